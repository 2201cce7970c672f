import { isIpAddress, prefixProblem } from './addresses.ts';
import type { Field } from './field.ts';
import type { Findings } from './findings.ts';

/** What is wrong with one value of a list that is called `key` in messages; undefined when nothing is. */
export type ValueRule = (value: string, key: string) => string | undefined;

export const notEmpty: ValueRule = (value, key) =>
  value === '' ? `empty value not allowed, found in ${key}` : undefined;

/** An exact value, or one with `*` at one of its ends. */
export const wildcard: ValueRule = (value, key) => {
  const stars = value.split('*').length - 1;
  if (value === '') return notEmpty(value, key);
  if (stars > 1) return `at most one wildcard is allowed, found in ${key}: "${value}"`;
  if (stars === 0 || value.startsWith('*') || value.endsWith('*')) return undefined;
  return `wildcard is only allowed at the start or end, found in ${key}: "${value}"`;
};

export const trustDomain: ValueRule = (value, key) =>
  wildcard(value, key) ??
  (value.includes('/') ? `trust domain must not contain '/', found in ${key}: "${value}"` : undefined);

/** `account` or `namespace/account`. */
export const serviceAccount: ValueRule = (value, key) => {
  if (value === '') return notEmpty(value, key);
  if (value.includes('*')) return `wildcard not allowed, found in ${key}`;
  const parts = value.split('/');
  const expected = "expected format 'serviceAccount' or 'namespace/serviceAccount', found";
  if (parts.length > 2) return `${expected} "${value}" in ${key}`;
  if (Buffer.byteLength(value) > 320) return `value cannot exceed 320 characters, found "${value}" in ${key}`;
  if (parts[0] === '') return `${expected} empty namespace "${value}" in ${key}`;
  return parts[1] === '' ? `${expected} empty serviceAccount "${value}" in ${key}` : undefined;
};

export const ipBlock: ValueRule = (value) => {
  if (!value.includes('/')) return isIpAddress(value) ? undefined : `bad IP address (${value})`;
  const why = prefixProblem(value);
  return why && `bad CIDR range (${value}): netip.ParsePrefix("${value}"): ${why}`;
};

export const port: ValueRule = (value) => {
  const problem = (why: string): string => `bad port (${value}): ${why}`;
  if (!/^\d+$/.test(value)) return problem(`strconv.ParseUint: parsing "${value}": invalid syntax`);
  if (Number(value) > 4_294_967_295) return problem(`strconv.ParseUint: parsing "${value}": value out of range`);
  return Number(value) > 65_535 ? problem('<nil>') : undefined;
};

const LITERAL = /^[a-zA-Z0-9\-._~%!$&'()+,;:@=]+$/;

/** A path whose segments may be `{*}`, and the last of these `{**}`. */
export const pathTemplate: ValueRule = (value, key) => {
  const isTemplate = value.includes('{*}') || value.includes('{**}');
  const path = value.replace(/^\/+|\/+$/g, '');
  const problem = (why: string): string => `invalid or unsupported path ${path}, found in ${key}. ${why}`;
  let ended = false;
  for (const segment of path.split('/')) {
    if (segment === '{*}' || segment === '{**}') {
      if (ended) return problem('{**} is not the last operator');
      ended = segment === '{**}';
      continue;
    }
    if (/[{}]/.test(segment)) return problem("Contains '{' or '}' beyond a supported path template");
    if (isTemplate && !LITERAL.test(segment)) {
      return problem(`Contains segment ${segment} with invalid string literal`);
    }
  }
  return undefined;
};

/** Istio tells of each value that these refuse; of the others it tells the first. */
const TOLD_EACH: ReadonlySet<ValueRule> = new Set([ipBlock, port]);

/** Applies rules to the values of a list. */
export function checkValues(list: Field, key: string, rules: readonly ValueRule[], findings: Findings): void {
  for (const rule of rules) {
    const refused = list.items.filter((item) => rule(item.text, key) !== undefined);
    for (const item of TOLD_EACH.has(rule) ? refused : refused.slice(0, 1)) findings.check(item, rule(item.text, key));
  }
}

/** Istio bounds lists of service accounts. */
export const MAX_SERVICE_ACCOUNTS = 16;

const MAP_KEY = /^[^[]+\[.+\]$/s;

/** Attributes of conditions, by the whole key or by its beginning. The rule is for values; none: any value. */
const ATTRIBUTES: Readonly<Record<string, ValueRule | undefined>> = {
  'source.ip': ipBlock,
  'remote.ip': ipBlock,
  'source.namespace': undefined,
  'source.serviceAccount': serviceAccount,
  'source.principal': undefined,
  'source.trustDomain': wildcard,
  'request.auth.principal': undefined,
  'request.auth.audiences': undefined,
  'request.auth.presenter': undefined,
  'destination.ip': ipBlock,
  'destination.port': port,
  'connection.sni': undefined,
};

/** What is wrong with the key of a condition. */
function keyProblem(key: string): string | undefined {
  const keyed = ['request.headers', 'request.auth.claims', 'experimental.envoy.filters.'];
  if (Object.hasOwn(ATTRIBUTES, key)) return undefined;
  if (keyed.some((start) => key.startsWith(start))) {
    return MAP_KEY.test(key) ? undefined : `bad key (${key}): should have format a[b]`;
  }
  if (key === 'destination.namespace') return `attribute ${key} is replaced by the metadata.namespace`;
  if (key.startsWith('destination.labels')) return `attribute ${key} is replaced by the workload selector`;
  if (key === 'destination.name' || key === 'destination.user') {
    return `deprecated attribute ${key}: only supported in v1alpha1`;
  }
  return `unknown attribute: ${key}`;
}

/** `values` or `notValues` of a condition. Returns the first thing that is wrong. */
export function attributeProblem(key: string, values: readonly string[]): string | undefined {
  const empty = values.map((value) => notEmpty(value, key)).find(Boolean);
  if (empty) return empty;
  const wrong = keyProblem(key);
  if (wrong) return wrong;
  const rule = ATTRIBUTES[key];
  if (rule === serviceAccount && values.length > MAX_SERVICE_ACCOUNTS) return 'may not have more than 16 values';
  return rule && values.map((value) => rule(value, key)).find(Boolean);
}
