import type { HeaderRule, HeaderRules } from '../config/header-rules.ts';
import type { FormatSubject } from '../format/subject.ts';
import type { RequestHead } from './codec.ts';
import { Headers, wireSafe } from './headers.ts';
import { appended, isInlineInAnswers, isInlineInRequests } from './inline-headers.ts';

/** Stands for the request that has led to a message of this protocol, where there is none: formats find nothing in it. */
export const noRequest = (protocol: RequestHead['protocol']): RequestHead => ({
  method: '',
  path: '',
  authority: '',
  scheme: 'http',
  protocol,
  headers: new Headers(),
});

/** Applies a route's or a weighted cluster's request header changes; `headers`: where they are not those that formats read. */
export function applyRequestRules(
  rules: HeaderRules | undefined,
  subject: FormatSubject,
  headers = subject.head.headers,
): void {
  if (rules !== undefined) change(headers, rules.requestRemove, rules.requestSet, subject);
}

export function applyResponseRules(rules: HeaderRules | undefined, subject: FormatSubject, headers: Headers): void {
  if (rules !== undefined) change(headers, rules.responseRemove, rules.responseSet, subject);
}

/**
 * First removals; then every value is made of what is left; then headers are overwritten, and only then are others added, whatever their order
 * in the configuration (Envoy: HeaderParser::evaluateHeaders in source/common/router/header_parser.cc).
 */
function change(
  headers: Headers,
  removals: readonly string[],
  rules: readonly HeaderRule[],
  subject: FormatSubject,
): void {
  for (const name of removals) headers.remove(name);
  const [only] = rules;
  if (only === undefined) return;
  if (rules.length === 1) {
    const value = valueOf(only, subject, headers);
    if (value !== undefined) write(headers, only, value, subject);
    return;
  }
  const values = rules.map((rule) => valueOf(rule, subject, headers));
  for (const overwriting of [true, false]) {
    for (const [i, rule] of rules.entries()) {
      const value = values[i];
      if (value !== undefined && overwrites(rule) === overwriting) write(headers, rule, value, subject);
    }
  }
}

const overwrites = ({ action }: HeaderRule): boolean =>
  action === 'OVERWRITE_IF_EXISTS_OR_ADD' || action === 'OVERWRITE_IF_EXISTS';

/** Makes one change; `headers` are those of the message that it is for. */
export function applyRule(rule: HeaderRule, subject: FormatSubject, headers: Headers): void {
  const value = valueOf(rule, subject, headers);
  if (value !== undefined) write(headers, rule, value, subject);
}

/** Undefined: the rule has nothing to write. */
function valueOf(rule: HeaderRule, subject: FormatSubject, headers: Headers): string | undefined {
  const value = rule.value(subject);
  if (value === '' && !rule.keepsEmpty) return undefined;
  if (rule.action === 'ADD_IF_ABSENT' && headers.has(rule.name)) return undefined;
  if (rule.action === 'OVERWRITE_IF_EXISTS' && !headers.has(rule.name)) return undefined;
  return value;
}

function write(headers: Headers, rule: HeaderRule, value: string, { head }: FormatSubject): void {
  const { name } = rule;
  const inline = headers === head.headers || head.method === '' ? isInlineInRequests : isInlineInAnswers;
  if (overwrites(rule)) headers.set(name, value);
  else addLine(headers, [name, value], inline);
}

/** Adds a line, or the value to the one line that is kept of such a header. */
export function addLine(
  headers: Headers,
  [name, value]: readonly [name: string, value: string],
  inline: (name: string) => boolean,
): void {
  if (headers.has(name) && inline(name)) headers.put(name, wireSafe(appended(headers.joined(name)!, value)));
  else headers.add(name, value);
}
