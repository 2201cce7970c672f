import type { HeaderMatcher } from '#xds';
import { valueAt } from './metadata-match.ts';
import { ConfigProblem, within } from './problem.ts';
import { headerCondition } from './rbac/request-conditions.ts';
import type { RbacSubject } from './rbac/subject.ts';
import type { RouteSubject } from './route-condition.ts';

export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}

/** What is counted together: all requests with these entries. */
export type Descriptor = readonly DescriptorEntry[];

/** A request as descriptors are made from it. */
export interface DescriptorSource extends RbacSubject {
  readonly query: RouteSubject['query'];
  /** The route's cluster; the proxy's own. */
  readonly destinationCluster: string;
  readonly sourceCluster: string;
}

/** One rate_limits entry of a route or virtual host: undefined when one of its actions finds nothing. */
export interface RateLimitRule {
  readonly stage: number;
  readonly describe: (source: DescriptorSource) => Descriptor | undefined;
}

type Action = (source: DescriptorSource) => DescriptorEntry | 'skip' | undefined;

interface ActionJson {
  readonly source_cluster?: object;
  readonly destination_cluster?: object;
  readonly remote_address?: object;
  readonly request_headers?: {
    readonly header_name?: string;
    readonly descriptor_key?: string;
    readonly skip_if_absent?: boolean;
  };
  readonly query_parameters?: {
    readonly query_parameter_name?: string;
    readonly descriptor_key?: string;
    readonly skip_if_absent?: boolean;
  };
  readonly generic_key?: { readonly descriptor_value?: string; readonly descriptor_key?: string };
  readonly header_value_match?: {
    readonly descriptor_key?: string;
    readonly descriptor_value?: string;
    readonly expect_match?: boolean;
    readonly headers?: readonly HeaderMatcher[];
  };
  readonly metadata?: {
    readonly descriptor_key?: string;
    readonly metadata_key?: { readonly key?: string; readonly path?: readonly { readonly key?: string }[] };
    readonly default_value?: string;
    readonly skip_if_absent?: boolean;
  };
}

export interface RateLimitJson {
  readonly stage?: number;
  readonly disable_key?: string;
  readonly actions?: readonly ActionJson[];
}

/** Compiles envoy.config.route.v3.RateLimit entries. */
export function compileRateLimits(
  given: readonly RateLimitJson[] | undefined,
  field: string,
): readonly RateLimitRule[] {
  return (given ?? []).map((rule, i) =>
    within(`${field}[${i}]`, () => {
      const actions = (rule.actions ?? []).map((action, at) => compileAction(action, `actions[${at}]`));
      return { stage: rule.stage ?? 0, describe: (source) => entriesOf(actions, source) };
    }),
  );
}

function entriesOf(actions: readonly Action[], source: DescriptorSource): Descriptor | undefined {
  const entries: DescriptorEntry[] = [];
  for (const action of actions) {
    const entry = action(source);
    if (entry === undefined) return undefined;
    if (entry !== 'skip') entries.push(entry);
  }
  return entries;
}

function compileAction(given: ActionJson, field: string): Action {
  if (given.source_cluster) return ({ sourceCluster }) => ({ key: 'source_cluster', value: sourceCluster });
  if (given.destination_cluster) {
    return ({ destinationCluster }) => ({ key: 'destination_cluster', value: destinationCluster });
  }
  if (given.remote_address) return ({ remoteIp }) => ({ key: 'remote_address', value: remoteIp });
  if (given.generic_key) {
    const { descriptor_key: key = 'generic_key', descriptor_value: value = '' } = given.generic_key;
    return () => ({ key, value });
  }
  if (given.request_headers) {
    const { header_name = '', descriptor_key: key = '', skip_if_absent } = given.request_headers;
    const read = headerReader(header_name.toLowerCase());
    return (source) => entry(key, read(source), skip_if_absent);
  }
  if (given.query_parameters) {
    const { query_parameter_name = '', descriptor_key, skip_if_absent } = given.query_parameters;
    return ({ query }) =>
      entry(descriptor_key ?? 'query_parameter', query?.get(query_parameter_name) ?? undefined, skip_if_absent);
  }
  return compileFurther(given, field);
}

function compileFurther(given: ActionJson, field: string): Action {
  if (given.header_value_match) {
    const {
      descriptor_key: key = 'header_match',
      descriptor_value: value = '',
      headers = [],
    } = given.header_value_match;
    const conditions = headers.map((header, i) => headerCondition(header, `${field}.headers[${i}]`));
    const expected = given.header_value_match.expect_match !== false;
    return (source) => (conditions.every((one) => one.holds(source)) === expected ? { key, value } : undefined);
  }
  if (given.metadata) {
    const { descriptor_key: key = '', metadata_key, default_value, skip_if_absent } = given.metadata;
    const path = (metadata_key?.path ?? []).map((segment) => segment.key ?? '');
    return ({ metadata }) => {
      const found = valueAt(metadata(metadata_key?.key ?? ''), path);
      return entry(key, typeof found === 'string' && found !== '' ? found : default_value, skip_if_absent);
    };
  }
  throw new ConfigProblem(field, `${Object.keys(given)[0] ?? 'an empty action'} is not supported`);
}

/** An action that finds nothing voids its descriptor, unless it may be left out. */
function entry(
  key: string,
  value: string | undefined,
  skip: boolean | undefined,
): DescriptorEntry | 'skip' | undefined {
  if (value !== undefined) return { key, value };
  return skip === true ? 'skip' : undefined;
}

function headerReader(name: string): (source: DescriptorSource) => string | undefined {
  switch (name) {
    case ':path':
      return ({ head }) => head?.path;
    case ':method':
      return ({ head }) => head?.method;
    case ':authority':
    case 'host':
      return ({ head }) => head?.authority;
    default:
      return ({ head }) => head?.headers.joined(name);
  }
}
