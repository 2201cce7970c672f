import type { HeaderMatcher } from '#xds';
import type { ResponseHead } from '../http/codec.ts';
import { ConfigProblem, within } from './problem.ts';
import { headerMatch } from './route-condition.ts';
import { type Fields, record } from './values.ts';

/** Whether an answer is of the kind that a matcher describes. */
export type AnswerTest = (answer: ResponseHead) => boolean;

/** Reads `error_matcher` of HttpProtocolOptions.OutlierDetection; undefined where there is none. Throws ConfigProblem. */
export function readErrorMatcher(outlierDetection: unknown): AnswerTest | undefined {
  const matcher = record(record(outlierDetection)?.['error_matcher']);
  return matcher && within('outlier_detection.error_matcher', () => compile(matcher));
}

/** envoy.config.common.matcher.v3.MatchPredicate, as far as it concerns the head of an answer. */
function compile(matcher: Fields): AnswerTest {
  const [kind = 'rule'] = Object.keys(matcher);
  const given = matcher[kind];
  switch (kind) {
    case 'or_match':
      return some(rulesOf(given, kind));
    case 'and_match':
      return every(rulesOf(given, kind));
    case 'not_match': {
      const inner = within(kind, () => compile(record(given) ?? {}));
      return (answer) => !inner(answer);
    }
    case 'any_match':
      return () => given === true;
    case 'http_response_headers_match':
      return every(headersOf(given, kind));
    default:
      throw new ConfigProblem(kind, 'matches nothing in the head of an answer');
  }
}

const some =
  (tests: readonly AnswerTest[]): AnswerTest =>
  (answer) =>
    tests.some((test) => test(answer));

const every =
  (tests: readonly AnswerTest[]): AnswerTest =>
  (answer) =>
    tests.every((test) => test(answer));

const rulesOf = (set: unknown, kind: string): AnswerTest[] =>
  ((record(set)?.['rules'] ?? []) as readonly Fields[]).map((rule, i) =>
    within(`${kind}.rules[${i}]`, () => compile(rule)),
  );

const headersOf = (match: unknown, kind: string): AnswerTest[] =>
  ((record(match)?.['headers'] ?? []) as readonly HeaderMatcher[]).map((matcher, i) => {
    const name = matcher.name.toLowerCase();
    const { holds } = headerMatch(matcher, `${kind}.headers[${i}]`);
    return ({ headers, status }) => holds(name === ':status' ? [String(status)] : headers.all(name));
  });
