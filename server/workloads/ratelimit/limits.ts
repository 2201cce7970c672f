import { parseDocument } from 'yaml';
import { type Fields, isFields } from './fields.ts';

/** How many seconds a window of each unit lasts. Source: UnitToDivider in envoyproxy/ratelimit. */
export const UNIT_SECONDS = {
  second: 1,
  minute: 60,
  hour: 3600,
  day: 86_400,
  week: 604_800,
  month: 2_592_000,
  year: 31_536_000,
} as const;

export type Unit = keyof typeof UNIT_SECONDS;

/** What requests with one descriptor may do together. */
export interface Limit {
  /** `domain.key_value.key_value`, as the server's own pages and counters name it. */
  readonly path: string;
  /** By which other limits may replace it, and which the client is told; empty: none. */
  readonly name: string;
  /** Limits that do not count beside it. */
  readonly replaces: readonly string[];
  readonly unit: Unit;
  readonly requestsPerUnit: number;
  readonly unlimited: boolean;
  /** Counts and tells, but stops nothing. */
  readonly shadow: boolean;
  /** Stops a request only with all other quotas that it has. */
  readonly quota: boolean;
  /** What requests within it are told, where the server tells such things. */
  readonly metadata: Fields | undefined;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
}

/** One descriptor of the configuration. */
export interface LimitNode {
  readonly limit: Limit | undefined;
  readonly children: ReadonlyMap<string, LimitNode>;
  /** Names of children with stars in them, in the order of the configuration, cut at their stars. */
  readonly wildcards: readonly (readonly [name: string, parts: readonly string[]])[];
  /** All values that fit its stars are counted together. */
  readonly shares: boolean;
}

/** All limits, by domain. */
export type LimitTable = ReadonlyMap<string, LimitNode>;

/** A configuration that cannot be used; the message names the file. */
export class LimitConfigError extends Error {}

export interface ReadOptions {
  /** Files may add to a domain that another has begun. */
  readonly mergesDomains?: boolean;
}

/** Reads the files of a configuration, one domain each. Throws LimitConfigError for the first that cannot be used. */
export function readLimits(
  files: readonly { readonly name: string; readonly text: string }[],
  { mergesDomains = false }: ReadOptions = {},
): LimitTable {
  const table = new Map<string, MutableNode>();
  for (const { name, text } of files) {
    const fail = (what: string): never => {
      throw new LimitConfigError(`${name}: ${what}`);
    };
    const document = parseDocument(text);
    const [broken] = document.errors;
    if (broken !== undefined) fail(`error loading config file: ${broken.message.split('\n')[0]}`);
    const root = fieldsOf(document.toJS(), fail);
    checkDepth(root, fail);
    checkKeys(root, fail);
    const domain = textOf(root['domain']);
    if (domain === '') fail('config file cannot have empty domain');
    const begun = table.get(domain);
    if (begun !== undefined && !mergesDomains) fail(`duplicate domain '${domain}' in config file`);
    const node = begun ?? emptyNode();
    addDescriptors(node, { path: domain, given: root, fail });
    table.set(domain, node);
  }
  return table;
}

type Fail = (what: string) => never;

interface MutableNode extends LimitNode {
  readonly children: Map<string, LimitNode>;
  readonly wildcards: (readonly [name: string, parts: readonly string[]])[];
}

const emptyNode = (more: Partial<LimitNode> = {}): MutableNode => ({
  limit: undefined,
  shares: false,
  ...more,
  children: new Map(),
  wildcards: [],
});

/** As in the original, a field is known wherever it stands. */
const FIELDS: ReadonlySet<string> = new Set([
  'domain',
  'key',
  'value',
  'descriptors',
  'rate_limit',
  'unit',
  'requests_per_unit',
  'unlimited',
  'shadow_mode',
  'quota_mode',
  'name',
  'replaces',
  'detailed_metric',
  'value_to_metric',
  'share_threshold',
  'metadata',
]);

/** More levels need an alias that stands for what holds it. */
const MOST_LEVELS = 64;

function checkDepth(given: object, fail: Fail, level = 1): void {
  if (level > MOST_LEVELS) fail(`config error, more than ${MOST_LEVELS} levels`);
  for (const value of Object.values(given)) {
    if (typeof value === 'object' && value !== null) checkDepth(value, fail, level + 1);
  }
}

function checkKeys(given: Fields, fail: Fail): void {
  for (const [name, value] of Object.entries(given)) {
    if (!FIELDS.has(name)) fail(`config error, unknown key '${name}'`);
    if (name === 'metadata' || typeof value !== 'object' || value === null) continue;
    for (const each of Array.isArray(value) ? value : [value]) {
      if (isFields(each)) checkKeys(each, fail);
      else fail(`config error, yaml file contains list of type other than map: ${each}`);
    }
  }
}

interface Descriptors {
  readonly path: string;
  readonly given: Fields;
  readonly fail: Fail;
}

function addDescriptors(node: MutableNode, { path, given, fail }: Descriptors): void {
  for (const descriptor of listIn(given, 'descriptors', fail)) {
    const key = textOf(descriptor['key']);
    const value = textOf(descriptor['value']);
    if (key === '') fail('descriptor has empty key');
    const name = value === '' ? key : `${key}_${value}`;
    const own = `${path}.${name}`;
    if (node.children.has(name)) fail(`duplicate descriptor composite key '${own}'`);
    const shares = descriptor['share_threshold'] === true;
    if (shares && !name.includes('*')) {
      fail(`share_threshold can only be used with wildcard values (containing '*'), but found key '${name}'`);
    }
    const child = emptyNode({ limit: readLimit(own, descriptor, fail), shares });
    addDescriptors(child, { path: own, given: descriptor, fail });
    node.children.set(name, child);
    if (name.includes('*')) node.wildcards.push([name, name.split('*')]);
  }
}

function readLimit(path: string, given: Fields, fail: Fail): Limit | undefined {
  if (given['rate_limit'] === undefined || given['rate_limit'] === null) return undefined;
  const limit = fieldsOf(given['rate_limit'], fail);
  const unlimited = limit['unlimited'] === true;
  const unit = textOf(limit['unit']).toLowerCase();
  if (unlimited && isUnit(unit)) fail('should not specify rate limit unit when unlimited');
  if (!unlimited && !isUnit(unit)) fail(`invalid rate limit unit '${textOf(limit['unit'])}'`);
  const requestsPerUnit = limit['requests_per_unit'] ?? 0;
  if (typeof requestsPerUnit !== 'number' || !Number.isInteger(requestsPerUnit) || requestsPerUnit < 0) {
    return fail(`${path}: requests_per_unit must be a whole number`);
  }
  const name = textOf(limit['name']);
  const replaces = listIn(limit, 'replaces', fail).map((each) => textOf(each['name']));
  if (replaces.includes('')) fail('should not have an empty replaces entry');
  if (replaces.includes(name)) fail('replaces should not contain name of same descriptor');
  return {
    path,
    name,
    replaces,
    unit: isUnit(unit) ? unit : 'second',
    requestsPerUnit,
    unlimited,
    shadow: given['shadow_mode'] === true,
    quota: given['quota_mode'] === true,
    metadata: given['metadata'] === undefined ? undefined : fieldsOf(given['metadata'], fail),
  };
}

const isUnit = (text: string): text is Unit => Object.hasOwn(UNIT_SECONDS, text);

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

const fieldsOf = (value: unknown, fail: Fail): Fields =>
  isFields(value) ? value : fail('config error, mapping expected');

function listIn(given: Fields, name: string, fail: Fail): readonly Fields[] {
  const list = given[name] ?? [];
  return Array.isArray(list) ? list : fail(`${name} must be a list`);
}

/** Every limit with its path, one a line, as the debug page prints them. */
export const describeLimits = (table: LimitTable): string[] => [...table.values()].flatMap(linesOf);

function linesOf({ limit, children }: LimitNode): string[] {
  const own =
    limit === undefined
      ? []
      : [
          `${limit.path}: unit=${limit.unlimited ? 'UNKNOWN' : limit.unit.toUpperCase()} requests_per_unit=${limit.requestsPerUnit}, shadow_mode: ${limit.shadow}, quota_mode: ${limit.quota}`,
        ];
  return [...own, ...[...children.values()].flatMap(linesOf)];
}
