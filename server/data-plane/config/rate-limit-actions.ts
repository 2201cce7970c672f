import { isIPv4 } from 'node:net';
import type { Any, HeaderMatcher, RouteMatch } from '#xds';
import { type CelValueReader, compileCelValue } from '../format/cel.ts';
import { type CelExprJson, celTextOf } from '../format/cel-text.ts';
import type { FormatSubject } from '../format/subject.ts';
import { compileFormat } from '../format/template.ts';
import { type CidrRange, compileRange, rangeAround } from './cidr.ts';
import { valueAt } from './metadata-match.ts';
import { ConfigProblem, unknownExtension } from './problem.ts';
import { headerCondition } from './rbac/request-conditions.ts';
import type { RbacSubject } from './rbac/subject.ts';
import { queryTest, type RouteSubject } from './route-condition.ts';
import { requestInput } from './route-matcher.ts';

export interface DescriptorEntry {
  readonly key: string;
  readonly value: string;
}

/** A request as descriptors are made from it. */
export interface DescriptorSource extends RbacSubject {
  readonly asked: RouteSubject;
  /** The same for formats and expressions. */
  readonly subject: FormatSubject;
  /** The route's cluster; the proxy's own. */
  readonly destinationCluster: string;
  readonly sourceCluster: string;
}

/** What an action adds to its descriptor; undefined: there is no descriptor then. */
export type Action = (source: DescriptorSource) => DescriptorEntry | 'skip' | undefined;

/** Fields that several kinds of actions have. */
interface Named {
  readonly descriptor_key?: string;
  readonly descriptor_value?: string;
  readonly default_value?: string;
  readonly skip_if_absent?: boolean;
  /** Default true. */
  readonly expect_match?: boolean;
}

interface ActionJson {
  readonly source_cluster?: object;
  readonly destination_cluster?: object;
  readonly remote_address?: object;
  readonly masked_remote_address?: { readonly v4_prefix_mask_len?: number; readonly v6_prefix_mask_len?: number };
  readonly remote_address_match?: Named & {
    readonly address_matcher?: { readonly ranges?: readonly CidrRange[]; readonly invert_match?: boolean };
  };
  readonly request_headers?: Named & { readonly header_name?: string };
  readonly query_parameters?: Named & { readonly query_parameter_name?: string };
  readonly query_parameter_value_match?: Named & { readonly query_parameters?: RouteMatch['query_parameters'] };
  readonly generic_key?: Named;
  readonly header_value_match?: Named & { readonly headers?: readonly HeaderMatcher[] };
  readonly metadata?: Named & {
    readonly metadata_key?: MetadataKeyJson;
    readonly source?: 'DYNAMIC' | 'ROUTE_ENTRY';
  };
  readonly extension?: { readonly name?: string; readonly typed_config?: Any };
}

/** envoy.type.metadata.v3.MetadataKey. */
export interface MetadataKeyJson {
  readonly key?: string;
  readonly path?: readonly { readonly key?: string }[];
}

/** envoy.config.route.v3.RateLimit.Action in protobuf JSON: one field of it says what it does. */
export type RateLimitActionJson = ActionJson;

/** By the field that says what an action does. */
const ACTIONS: {
  readonly [Kind in keyof ActionJson]-?: (given: NonNullable<ActionJson[Kind]>, field: string) => Action;
} = {
  source_cluster:
    () =>
    ({ sourceCluster }) => ({ key: 'source_cluster', value: sourceCluster }),
  destination_cluster:
    () =>
    ({ destinationCluster }) => ({ key: 'destination_cluster', value: destinationCluster }),
  remote_address:
    () =>
    ({ remoteIp }) => ({ key: 'remote_address', value: remoteIp }),
  masked_remote_address({ v4_prefix_mask_len: ofV4 = 32, v6_prefix_mask_len: ofV6 = 128 }) {
    return ({ remoteIp }) => ({
      key: 'masked_remote_address',
      value: rangeAround(remoteIp, isIPv4(remoteIp) ? ofV4 : ofV6),
    });
  },
  remote_address_match: remoteAddressMatch,
  generic_key({ descriptor_key, descriptor_value: value = '' }) {
    const key = descriptor_key || 'generic_key';
    return () => ({ key, value });
  },
  request_headers({ header_name = '', descriptor_key: key = '', skip_if_absent }) {
    const read = headerReader(header_name.toLowerCase());
    return (source) => entry(key, read(source), skip_if_absent);
  },
  query_parameters({ query_parameter_name = '', descriptor_key: key = '', skip_if_absent }) {
    return ({ asked }) => entry(key, asked.query?.get(query_parameter_name), skip_if_absent);
  },
  query_parameter_value_match({ descriptor_key, descriptor_value: value = '', expect_match, ...given }, field) {
    const key = descriptor_key || 'query_match';
    const tests = (given.query_parameters ?? []).map((one, i) => queryTest(one, `${field}.query_parameters[${i}]`));
    const expected = expect_match !== false;
    return ({ asked }) => (tests.every((holds) => holds(asked)) === expected ? { key, value } : undefined);
  },
  header_value_match({ descriptor_key, descriptor_value: value = '', headers = [], expect_match }, field) {
    const key = descriptor_key || 'header_match';
    const conditions = headers.map((header, i) => headerCondition(header, `${field}.headers[${i}]`));
    const expected = expect_match !== false;
    return (source) => (conditions.every((one) => one.holds(source)) === expected ? { key, value } : undefined);
  },
  metadata({ descriptor_key: key = '', metadata_key, default_value, skip_if_absent, source: from }) {
    const path = pathOfKey(metadata_key);
    const name = metadata_key?.key ?? '';
    return ({ metadata, routeMetadata }) => {
      const read = from === 'ROUTE_ENTRY' ? routeMetadata : metadata;
      const found = valueAt(read?.(name), path);
      return entry(key, typeof found === 'string' && found !== '' ? found : default_value || undefined, skip_if_absent);
    };
  },
  extension: ({ name = '', typed_config: config }, field) => extensionAction(name, config, field),
};

/** Throws ConfigProblem for an action that says nothing, or what is not supported. */
export function compileAction(given: RateLimitActionJson, field: string): Action {
  const [kind] = Object.keys(given);
  if (kind === undefined) throw new ConfigProblem(field, 'action_specifier is required');
  if (kind === 'dynamic_metadata') {
    throw new ConfigProblem(`${field}.${kind}`, 'is deprecated, and Envoy refuses it, too: metadata says the same');
  }
  const compile = ACTIONS[kind as keyof ActionJson] as ((given: unknown, field: string) => Action) | undefined;
  if (compile === undefined) throw new ConfigProblem(field, `${kind} is not supported`);
  return compile(given[kind as keyof ActionJson], `${field}.${kind}`);
}

/** The names below the key itself. */
export const pathOfKey = (given: MetadataKeyJson | undefined): string[] =>
  (given?.path ?? []).map((segment) => segment.key ?? '');

function remoteAddressMatch(given: NonNullable<ActionJson['remote_address_match']>, field: string): Action {
  const key = given.descriptor_key || 'remote_address_match';
  const write = compileFormat(given.descriptor_value ?? '', `${field}.descriptor_value`, '');
  const { ranges = [], invert_match: invert = false } = given.address_matcher ?? {};
  const wanted = ranges.map((range, i) => compileRange(range, `${field}.address_matcher.ranges[${i}]`));
  return ({ remoteIp, subject }) => {
    if (wanted.some((range) => range.contains(remoteIp)) === invert) return undefined;
    const value = write(subject) || (given.default_value ?? '');
    return value === '' ? undefined : { key, value };
  };
}

const EXPRESSION = 'type.googleapis.com/envoy.extensions.rate_limit_descriptors.expr.v3.Descriptor';

const INPUTS = 'type.googleapis.com/envoy.extensions.matching.common_inputs.';

/** Inputs of matchers that tell of the connection, by type, and the command of formats that tells the same. */
const CONNECTION_INPUTS: Readonly<Record<string, string>> = {
  [`${INPUTS}network.v3.DestinationIPInput`]: '%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%',
  [`${INPUTS}network.v3.DestinationPortInput`]: '%DOWNSTREAM_LOCAL_PORT%',
  [`${INPUTS}network.v3.SourceIPInput`]: '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%',
  [`${INPUTS}network.v3.SourcePortInput`]: '%DOWNSTREAM_REMOTE_PORT%',
  [`${INPUTS}network.v3.DirectSourceIPInput`]: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
  [`${INPUTS}network.v3.ServerNameInput`]: '%REQUESTED_SERVER_NAME%',
  [`${INPUTS}ssl.v3.UriSanInput`]: '%DOWNSTREAM_PEER_URI_SAN%',
  [`${INPUTS}ssl.v3.DnsSanInput`]: '%DOWNSTREAM_PEER_DNS_SAN%',
  [`${INPUTS}ssl.v3.SubjectInput`]: '%DOWNSTREAM_PEER_SUBJECT%',
};

/** A CEL expression, or what matchers of routes and connections look at. */
function extensionAction(name: string, config: Any | undefined, field: string): Action {
  if (config?.['@type'] === EXPRESSION) return expressionAction(config, field);
  if (config === undefined) throw unknownExtension(field, name, config);
  const format = CONNECTION_INPUTS[config['@type']];
  const write = format === undefined ? undefined : compileFormat(format, field, '');
  const read = write === undefined ? requestInput(config, field) : undefined;
  return ({ asked, subject }) => {
    const value = write === undefined ? read?.(asked) : write(subject);
    return value === undefined || value === '' ? undefined : { key: name, value };
  };
}

function expressionAction(config: Any, field: string): Action {
  const key = String(config['descriptor_key'] ?? '');
  const { parsed, text } = config as { readonly parsed?: CelExprJson; readonly text?: string };
  if (parsed === undefined && text === undefined) throw new ConfigProblem(`${field}.expr_specifier`, 'is required');
  const written = text ?? celTextOf(parsed!, `${field}.parsed`);
  const read: CelValueReader = compileCelValue(written, `${field}.${text === undefined ? 'parsed' : 'text'}`);
  const failed = config['skip_if_error'] === true ? 'skip' : undefined;
  return ({ subject }) => {
    const value = read(subject);
    return value === undefined ? failed : { key, value: String(value) };
  };
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
      // As in Envoy, of several lines the first counts.
      return ({ head }) => head?.headers.get(name);
  }
}
