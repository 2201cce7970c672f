/**
 * Authorization as its documentation reads, written without a look at how it is translated or enforced: a second opinion for property
 * tests. Slow and plain on purpose.
 */
export interface Request {
  readonly principal: string;
  readonly namespace: string;
  readonly ip: string;
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Claims of a verified token; undefined without a token. */
  readonly claims: Readonly<Record<string, string | readonly string[]>> | undefined;
}

type Values = readonly string[];
export type Fields = Readonly<Record<string, Values>>;

export interface Rule {
  readonly from?: readonly { readonly source: Fields }[];
  readonly to?: readonly { readonly operation: Fields }[];
  readonly when?: readonly { readonly key: string; readonly values?: Values; readonly notValues?: Values }[];
}

export interface Policy {
  readonly action: 'ALLOW' | 'DENY';
  readonly rules: readonly Rule[];
}

/** Any DENY that matches denies; without ALLOW policies everything else is allowed; with some, one must match. */
export function allows(policies: readonly Policy[], request: Request): boolean {
  const matches = ({ rules }: Policy): boolean => rules.some((rule) => ruleMatches(rule, request));
  if (policies.some((policy) => policy.action === 'DENY' && matches(policy))) return false;
  const allowing = policies.filter(({ action }) => action === 'ALLOW');
  return allowing.length === 0 || allowing.some(matches);
}

function ruleMatches({ from, to, when = [] }: Rule, request: Request): boolean {
  if (from !== undefined && !from.some(({ source }) => fieldsMatch(source, request))) return false;
  if (to !== undefined && !to.some(({ operation }) => fieldsMatch(operation, request))) return false;
  return when.every(({ key, values, notValues }) => {
    if (values !== undefined && !values.some((value) => holds(key, value, request))) return false;
    return notValues === undefined || !notValues.some((value) => holds(key, value, request));
  });
}

const FIELD_KEYS: Readonly<Record<string, string>> = {
  principals: 'source.principal',
  namespaces: 'source.namespace',
  ipBlocks: 'source.ip',
  requestPrincipals: 'request.auth.principal',
  hosts: 'host',
  methods: 'method',
  paths: 'path',
  ports: 'destination.port',
};

function fieldsMatch(fields: Fields, request: Request): boolean {
  return Object.entries(fields).every(([field, values]) => {
    const negated = /^not[A-Z]/.test(field);
    const name = negated ? field.charAt(3).toLowerCase() + field.slice(4) : field;
    const any = values.some((value) => holds(FIELD_KEYS[name] ?? name, value, request));
    return any !== negated;
  });
}

function holds(key: string, value: string, request: Request): boolean {
  switch (key) {
    case 'source.principal':
      return pattern(value, request.principal);
    case 'source.namespace':
      return request.principal !== '' && wildcard(value, request.namespace);
    case 'source.ip':
      return inBlock(value, request.ip);
    case 'request.auth.principal':
      return requestPrincipal(value, request);
    case 'host':
      return pattern(value.toLowerCase(), request.host.toLowerCase());
    case 'method':
      return pattern(value, request.method);
    case 'path':
      return value.includes('{') ? template(value, request.path) : pattern(value, request.path);
    case 'destination.port':
      return Number(value) === request.port;
    default:
      return keyed(key, value, request);
  }
}

function keyed(key: string, value: string, { headers, claims }: Request): boolean {
  const name = /\[(.*)\]/.exec(key)?.[1] ?? '';
  if (key.startsWith('request.headers')) {
    const given = headers[name];
    return given !== undefined && (value === '*' || pattern(value, given));
  }
  const claim = claims?.[name];
  const list = claim === undefined ? [] : typeof claim === 'string' ? [claim] : claim;
  return list.some((one) => pattern(value, one));
}

/** Exact, prefix*, *suffix, or * for anything that is there. */
function pattern(wanted: string, given: string): boolean {
  if (wanted === '*') return given !== '';
  if (wanted.startsWith('*')) return given !== '' && given.endsWith(wanted.slice(1));
  return wanted.endsWith('*') ? given.startsWith(wanted.slice(0, -1)) && given !== '' : given === wanted;
}

/** A namespace may hold a star anywhere. */
const wildcard = (wanted: string, given: string): boolean =>
  new RegExp(
    `^${wanted
      .split('*')
      .map((part) => part.replace(/[.+?^$()|[\]\\{}]/g, '\\$&'))
      .join('.*')}$`,
  ).test(given);

function inBlock(block: string, ip: string): boolean {
  const [base = '', length = '32'] = block.split('/');
  const number = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(length));
  return Math.floor(number(base) / size) === Math.floor(number(ip) / size);
}

function requestPrincipal(value: string, { claims }: Request): boolean {
  if (claims === undefined) return false;
  const principal = `${String(claims['iss'])}/${String(claims['sub'])}`;
  return pattern(value, principal);
}

/** `{*}` is one segment, `{**}` whatever is left. */
function template(wanted: string, path: string): boolean {
  const parts = wanted.split('/').slice(1);
  const given = path.split('/').slice(1);
  for (const [i, part] of parts.entries()) {
    if (part === '{**}') return given.length > i;
    if (given[i] === undefined || (part === '{*}' ? given[i] === '' : part !== given[i])) return false;
  }
  return given.length === parts.length;
}
