import { ConfigProblem } from '../config/problem.ts';
import type { KeptValue } from '../http/filter-state.ts';
import type { Command, CommandReader, FormatSubject, FormatValue, MetadataKind } from './subject.ts';

type Lookup = (subject: FormatSubject, namespace: string) => Readonly<Record<string, unknown>> | undefined;

const dynamic: Lookup = ({ dynamicMetadata }, namespace) => dynamicMetadata?.of(namespace);

const ofResource =
  (kind: MetadataKind): Lookup =>
  (subject, namespace) =>
    subject.resourceMetadata?.(kind)?.filter_metadata?.[namespace];

const LOOKUPS: Readonly<Record<string, Lookup>> = {
  DYNAMIC: dynamic,
  CLUSTER: ofResource('CLUSTER'),
  ROUTE: ofResource('ROUTE'),
  UPSTREAM_HOST: ofResource('UPSTREAM_HOST'),
  LISTENER: ofResource('LISTENER'),
  LISTENER_FILTER_CHAIN: ofResource('LISTENER_FILTER_CHAIN'),
  VIRTUAL_HOST: ofResource('VIRTUAL_HOST'),
};

/** `NAMESPACE:KEY:INNER_KEY…`; without a key the whole namespace. */
const read =
  (lookup: Lookup): CommandReader =>
  (argument) => {
    const [namespace = '', ...path] = argument.split(':');
    return (subject) => valueAt(lookup(subject, namespace), path);
  };

function valueAt(start: unknown, path: readonly string[]): FormatValue {
  let value = start;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return sorted(value ?? undefined) as FormatValue;
}

/** As Envoy writes objects: their keys in order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, child]) => [key, sorted(child)]),
  );
}

function metadata(argument: string, field: string): Command {
  const colon = argument.indexOf(':');
  const kind = colon < 0 ? argument : argument.slice(0, colon);
  const lookup = LOOKUPS[kind];
  if (lookup === undefined) throw new ConfigProblem(field, `${kind} is not supported type of metadata`);
  return read(lookup)(colon < 0 ? '' : argument.slice(colon + 1), field);
}

/** `KEY`, `KEY:TYPED` (a text of JSON), `KEY:PLAIN` or `KEY:FIELD:NAME`. */
const filterState: CommandReader = (argument, field) => {
  const [key = '', given = '', name] = argument.split(':');
  const form = given || 'TYPED';
  if (key === '') throw new ConfigProblem(field, 'Invalid filter state configuration, key cannot be empty.');
  if (!['PLAIN', 'TYPED', 'FIELD'].includes(form))
    throw new ConfigProblem(field, 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.');
  if ((form === 'FIELD') !== (name !== undefined && name !== ''))
    throw new ConfigProblem(field, 'Invalid filter state serialize type, FIELD should be used with the field name.');
  if (key === GRPC_COUNTS) return form === 'FIELD' ? () => undefined : form === 'PLAIN' ? plainCounts : shownCounts;
  if (form === 'PLAIN') return (subject) => subject.filterState?.of(key);
  if (form === 'FIELD') return (subject) => fieldOf(subject.filterState?.valueOf(key), name);
  return (subject) => {
    const value = subject.filterState?.valueOf(key);
    // As an object it is written as JSON wherever it stands.
    return value?.shown === true ? (Object(value.text) as object) : undefined;
  };
};

/** What the filter of that name leaves. */
const GRPC_COUNTS = 'envoy.filters.http.grpc_stats';

/** Messages of both directions, once there are some. */
function countsOf({ leftCounts }: FormatSubject): [number, number] | undefined {
  const requests = leftCounts?.requests.count ?? 0;
  const responses = leftCounts?.responses.count ?? 0;
  return requests + responses === 0 ? undefined : [requests, responses];
}

const plainCounts: Command = (subject) => countsOf(subject)?.join(',');

const shownCounts: Command = (subject) => {
  const counts = countsOf(subject);
  if (counts === undefined) return undefined;
  const [requests, responses] = counts;
  return {
    ...(requests > 0 && { requestMessageCount: String(requests) }),
    ...(responses > 0 && { responseMessageCount: String(responses) }),
  };
};

/** Addresses alone have fields. */
function fieldOf(value: KeptValue | undefined, name: string | undefined): string | undefined {
  if (value?.address === undefined || value.hasFields !== true) return undefined;
  if (name === 'ip') return value.address.ip;
  return name === 'port' ? String(value.address.port) : undefined;
}

/** No connection to a host has state of its own. */
const upstreamFilterState: CommandReader = (argument, field) => {
  filterState(argument, field);
  return () => undefined;
};

const environment: CommandReader = (name, field) => {
  if (name === '') throw new ConfigProblem(field, 'ENVIRONMENT formatter requires parameters');
  // Envoy reads it once, and writes the dash itself.
  return (subject) => subject.proxy?.environment[name] || '-';
};

/** What filters leave behind, and what xDS resources carry. */
export const METADATA_COMMANDS: Readonly<Record<string, CommandReader>> = {
  METADATA: metadata,
  DYNAMIC_METADATA: read(dynamic),
  CLUSTER_METADATA: read(ofResource('CLUSTER')),
  UPSTREAM_METADATA: read(ofResource('UPSTREAM_HOST')),
  FILTER_STATE: filterState,
  UPSTREAM_FILTER_STATE: upstreamFilterState,
  ENVIRONMENT: environment,
};
