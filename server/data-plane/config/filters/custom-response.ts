import type { Any, HeaderValueOption } from '#xds';
import type { ResponseHead } from '../../http/codec.ts';
import { type BodyFormat, type BodyFormatJson, readBodyFormat } from '../body-format.ts';
import { compileHeaderRule, type HeaderRule } from '../header-rules.ts';
import { compileMatcher, type InputReader, type Matcher } from '../matcher.ts';
import { ConfigProblem, within } from '../problem.ts';
import { type Fields, readNumber, record } from '../values.ts';
import { type ElsewhereTarget, readTarget } from './elsewhere-target.ts';

/** An answer that takes the place of another: one that stands here, or that of another route. */
export type CustomAnswer = OwnAnswer | AnswerElsewhere;

export interface OwnAnswer {
  readonly kind: 'own';
  /** Undefined: that of the other. */
  readonly status: number | undefined;
  readonly body: Buffer | undefined;
  readonly format: BodyFormat | undefined;
  readonly headers: readonly HeaderRule[];
}

export interface AnswerElsewhere {
  readonly kind: 'elsewhere';
  readonly target: ElsewhereTarget;
  /** Undefined: that of the other route. */
  readonly status: number | undefined;
  readonly headers: readonly HeaderRule[];
  /** Of the request, before its route is looked for. */
  readonly requestHeaders: readonly HeaderRule[];
}

export interface CustomResponse {
  /** Which answer is given in the place of one; undefined: that one stays. */
  readonly choose: Matcher<ResponseHead, CustomAnswer>;
  /** Some answer is that of another route. */
  readonly goesElsewhere: boolean;
}

const MATCHING = 'type.googleapis.com/envoy.type.matcher.v3.';
const REDIRECT = 'type.googleapis.com/envoy.extensions.http.custom_response.redirect_policy.v3.RedirectPolicy';
const LOCAL = 'type.googleapis.com/envoy.extensions.http.custom_response.local_response_policy.v3.LocalResponsePolicy';

/** Reads envoy.extensions.filters.http.custom_response.v3.CustomResponse. Throws ConfigProblem. */
export function readCustomResponse(config: Any): CustomResponse {
  const matcher = record(config['custom_response_matcher']);
  if (matcher === undefined || Object.keys(matcher).length === 0)
    return { choose: () => undefined, goesElsewhere: false };
  let goesElsewhere = false;
  const action = (policy: Any, field: string): CustomAnswer => {
    const answer = readAnswer(policy, field);
    goesElsewhere ||= answer.kind === 'elsewhere';
    return answer;
  };
  const choose = within('custom_response_matcher', () => compileMatcher(matcher, { input: readInput, action }));
  return { choose, goesElsewhere };
}

const readInput: InputReader<ResponseHead> = (config, field) => {
  switch (config['@type']) {
    case `${MATCHING}HttpResponseStatusCodeMatchInput`:
      return ({ status }) => String(status);
    case `${MATCHING}HttpResponseStatusCodeClassMatchInput`:
      return ({ status }) => (status >= 100 && status < 600 ? `${Math.trunc(status / 100)}xx` : undefined);
    case `${MATCHING}HttpResponseHeaderMatchInput`: {
      const name = String(config['header_name'] ?? '').toLowerCase();
      return ({ headers }) => headers.joined(name);
    }
    default:
      throw new ConfigProblem(field, `${config['@type']} tells nothing of an answer`);
  }
};

function readAnswer(config: Any, field: string): CustomAnswer {
  if (config['@type'] === REDIRECT) return readElsewhere(config, field);
  if (config['@type'] !== LOCAL) throw new ConfigProblem(field, `${config['@type']} is no policy that this proxy has`);
  const body = record(config['body']);
  const status = record(config['status_code'])?.['value'] ?? config['status_code'];
  if (status !== undefined && !(Number(status) >= 200 && Number(status) < 600)) {
    throw new ConfigProblem(`${field}.status_code`, 'value must be inside range [200, 600)');
  }
  return {
    kind: 'own',
    status: status === undefined ? undefined : readNumber(status, 0),
    body: body && readBody(body, `${field}.body`),
    format: within(`${field}.body_format`, () => readBodyFormat(config['body_format'] as BodyFormatJson | undefined)),
    headers: readRules(config, field, 'response_headers_to_add'),
  };
}

function readRules(config: Any, field: string, name: string): HeaderRule[] {
  const added = (config[name] ?? []) as readonly HeaderValueOption[];
  return added.map((option, i) => compileHeaderRule(option, `${field}.${name}[${i}]`));
}

function readElsewhere(config: Any, field: string): AnswerElsewhere {
  if (config['modify_request_headers_action'] !== undefined)
    throw new ConfigProblem(`${field}.modify_request_headers_action`, 'names an extension that is not here');
  const status = record(config['status_code'])?.['value'] ?? config['status_code'];
  if (status !== undefined && !(Number(status) >= 100 && Number(status) < 600))
    throw new ConfigProblem(`${field}.status_code`, 'value must be inside range [100, 600)');
  return {
    kind: 'elsewhere',
    target: readTarget(config, field),
    status: status === undefined ? undefined : readNumber(status, 0),
    headers: readRules(config, field, 'response_headers_to_add'),
    requestHeaders: readRules(config, field, 'request_headers_to_add'),
  };
}

function readBody(body: Fields, field: string): Buffer {
  if (typeof body['inline_string'] === 'string') return Buffer.from(body['inline_string']);
  if (typeof body['inline_bytes'] === 'string') return Buffer.from(body['inline_bytes'], 'base64');
  throw new ConfigProblem(field, 'only inline_string and inline_bytes are read');
}
