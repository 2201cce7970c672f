import { parseDocument } from 'yaml';

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
  readonly name: string;
  readonly unit: Unit;
  readonly requestsPerUnit: number;
  readonly unlimited: boolean;
  /** Counts and tells, but stops nothing. */
  readonly shadow: boolean;
}

export interface Entry {
  readonly key: string;
  readonly value: string;
}

interface Node {
  readonly limit: Limit | undefined;
  readonly children: ReadonlyMap<string, Node>;
  /** Keys under which values with a final `*` stand, without the star. */
  readonly wildcards: readonly string[];
}

/** All limits, by domain. */
export type LimitTable = ReadonlyMap<string, Node>;

/** A configuration that cannot be used; the message names file and place. */
export class LimitConfigError extends Error {}

/** Reads the files of a configuration, one domain each. Throws LimitConfigError for the first that cannot be used. */
export function readLimits(files: readonly { readonly name: string; readonly text: string }[]): LimitTable {
  const table = new Map<string, Node>();
  for (const { name, text } of files) {
    const fail = (what: string): never => {
      throw new LimitConfigError(`${name}: ${what}`);
    };
    const document = parseDocument(text);
    const [broken] = document.errors;
    if (broken !== undefined) fail(`error loading config file: ${broken.message.split('\n')[0]}`);
    const root = mapping(document.toJS(), ['domain', 'descriptors'], fail);
    const domain = textOf(root['domain']);
    if (domain === '') fail('config file cannot have empty domain');
    if (table.has(domain)) fail(`duplicate domain '${domain}' in config file`);
    table.set(domain, readNode(domain, { descriptors: root['descriptors'] }, fail));
  }
  return table;
}

type Fail = (what: string) => never;

const DESCRIPTOR_FIELDS = ['key', 'value', 'rate_limit', 'descriptors', 'shadow_mode', 'detailed_metric'];
const LIMIT_FIELDS = ['unit', 'requests_per_unit', 'unlimited', 'name'];

function readNode(path: string, given: Readonly<Record<string, unknown>>, fail: Fail): Node {
  const children = new Map<string, Node>();
  const wildcards: string[] = [];
  const { descriptors } = given;
  if (descriptors !== undefined && descriptors !== null && !Array.isArray(descriptors))
    fail('descriptors must be a list');
  for (const each of (descriptors ?? []) as readonly unknown[]) {
    const descriptor = mapping(each, DESCRIPTOR_FIELDS, fail);
    const key = textOf(descriptor['key']);
    const value = textOf(descriptor['value']);
    if (key === '') fail('descriptor has empty key');
    const name = value === '' ? key : `${key}_${value}`;
    if (children.has(name)) fail(`duplicate descriptor composite key '${path}.${name}'`);
    children.set(name, readNode(`${path}.${name}`, descriptor, fail));
    if (value.endsWith('*')) wildcards.push(name.slice(0, -1));
  }
  return { limit: readLimit(path, given, fail), children, wildcards };
}

function readLimit(name: string, given: Readonly<Record<string, unknown>>, fail: Fail): Limit | undefined {
  if (given['rate_limit'] === undefined || given['rate_limit'] === null) return undefined;
  const limit = mapping(given['rate_limit'], LIMIT_FIELDS, fail);
  const unlimited = limit['unlimited'] === true;
  const unit = textOf(limit['unit']).toLowerCase();
  if (unlimited && unit !== '') fail(`${name}: should not specify rate limit unit when unlimited`);
  if (!unlimited && !isUnit(unit)) fail(`invalid rate limit unit '${textOf(limit['unit'])}'`);
  const requestsPerUnit = limit['requests_per_unit'] ?? 0;
  if (typeof requestsPerUnit !== 'number' || !Number.isInteger(requestsPerUnit) || requestsPerUnit < 0) {
    return fail(`${name}: requests_per_unit must be a whole number`);
  }
  const shadow = given['shadow_mode'] === true;
  return { name, unit: isUnit(unit) ? unit : 'second', requestsPerUnit, unlimited, shadow };
}

const isUnit = (text: string): text is Unit => Object.hasOwn(UNIT_SECONDS, text);

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';

function mapping(value: unknown, fields: readonly string[], fail: Fail): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return fail('config error, mapping expected');
  const unknown = Object.keys(value).find((field) => !fields.includes(field));
  if (unknown !== undefined) fail(`config error, unknown key '${unknown}'`);
  return value as Readonly<Record<string, unknown>>;
}

/**
 * The limit of a descriptor: at each entry its key with its value, else the longest of the values with a star that fits, else its key
 * alone. Only a limit as deep as the descriptor counts. Source: GetLimit in envoyproxy/ratelimit.
 */
export function findLimit(table: LimitTable, domain: string, entries: readonly Entry[]): Limit | undefined {
  let at = table.get(domain);
  for (const { key, value } of entries) at = at && childOf(at, key, value);
  return entries.length === 0 ? undefined : at?.limit;
}

function childOf({ children, wildcards }: Node, key: string, value: string): Node | undefined {
  const full = `${key}_${value}`;
  const exact = value === '' ? undefined : children.get(full);
  if (exact !== undefined) return exact;
  const [starred] = wildcards.filter((prefix) => full.startsWith(prefix)).sort((a, b) => b.length - a.length);
  return children.get(starred === undefined ? key : `${starred}*`);
}

/** Every limit with its name, one a line, as the debug page prints them. */
export const describeLimits = (table: LimitTable): string[] => [...table.values()].flatMap(linesOf);

function linesOf({ limit, children }: Node): string[] {
  const own =
    limit === undefined
      ? []
      : [
          `${limit.name}: unit=${limit.unlimited ? 'UNKNOWN' : limit.unit.toUpperCase()} requests_per_unit=${limit.requestsPerUnit}, shadow_mode: ${limit.shadow}`,
        ];
  return [...own, ...[...children.values()].flatMap(linesOf)];
}
