import { GRPC_STATUS_NAMES } from '#domain';
import type { HeaderMatcher } from '#xds';
import { type CelCondition, compileCel } from '../../format/cel.ts';
import { accessLogType } from '../../format/stream.ts';
import type { FormatSubject } from '../../format/subject.ts';
import { grpcStatusOf } from '../../http/grpc.ts';
import { ConfigProblem, within } from '../problem.ts';
import { headerMatch } from '../route-condition.ts';
import { readNumber } from '../values.ts';
import { byMetadata, byShare, forced, type MetadataFilterJson, type RuntimeFilterJson } from './request-filters.ts';

interface Comparison {
  readonly op?: 'EQ' | 'GE' | 'LE' | 'NE';
  readonly value?: { readonly default_value?: number };
}

/** An AccessLogFilter in protobuf JSON: which entries are written. */
export interface AccessLogFilter {
  readonly status_code_filter?: { readonly comparison?: Comparison };
  readonly duration_filter?: { readonly comparison?: Comparison };
  readonly header_filter?: { readonly header?: HeaderMatcher };
  readonly grpc_status_filter?: { readonly statuses?: readonly string[]; readonly exclude?: boolean };
  readonly not_health_check_filter?: object;
  readonly metadata_filter?: MetadataFilterJson;
  readonly runtime_filter?: RuntimeFilterJson;
  readonly traceable_filter?: object;
  readonly log_type_filter?: { readonly types?: readonly string[]; readonly exclude?: boolean };
  readonly response_flag_filter?: { readonly flags?: readonly string[] };
  readonly and_filter?: { readonly filters?: readonly AccessLogFilter[] };
  readonly or_filter?: { readonly filters?: readonly AccessLogFilter[] };
  readonly extension_filter?: {
    readonly name?: string;
    readonly typed_config?: { readonly '@type'?: string; readonly expression?: string };
  };
}

const CEL_FILTER = 'type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter';

/** Compiles what Istio writes and the filters beside it; others are a problem. */
export function readAccessLogFilter(filter: AccessLogFilter): CelCondition {
  if (filter.status_code_filter !== undefined) return comparing(filter.status_code_filter, ({ info }) => info.status);
  if (filter.duration_filter !== undefined) return comparing(filter.duration_filter, ({ info }) => info.durationMs);
  if (filter.response_flag_filter !== undefined) return flagged(filter.response_flag_filter.flags ?? []);
  if (filter.header_filter !== undefined) return withHeader(filter.header_filter.header ?? { name: '' });
  if (filter.grpc_status_filter !== undefined)
    return listed(filter.grpc_status_filter.statuses, grpcName, filter.grpc_status_filter);
  // No request counts as a health check of Envoy's.
  if (filter.not_health_check_filter !== undefined) return () => true;
  if (filter.metadata_filter !== undefined) return byMetadata(filter.metadata_filter);
  if (filter.runtime_filter !== undefined) return byShare(filter.runtime_filter);
  if (filter.traceable_filter !== undefined) return forced;
  if (filter.log_type_filter !== undefined)
    return listed(filter.log_type_filter.types, accessLogType, filter.log_type_filter);
  if (filter.and_filter !== undefined) {
    const all = readAll(filter.and_filter.filters, 'and_filter');
    return (subject) => all.every((holds) => holds(subject));
  }
  if (filter.or_filter !== undefined) {
    const any = readAll(filter.or_filter.filters, 'or_filter');
    return (subject) => any.some((holds) => holds(subject));
  }
  const extension = filter.extension_filter?.typed_config;
  if (extension?.['@type'] === CEL_FILTER) return compileCel(extension.expression ?? '', 'expression');
  throw new ConfigProblem('', `no access log filter of this kind: ${Object.keys(filter).join(', ')}`);
}

const PSEUDO: Readonly<Record<string, (subject: FormatSubject) => string>> = {
  ':method': ({ head }) => head.method,
  ':path': ({ head }) => head.path,
  ':authority': ({ head }) => head.authority,
  ':scheme': ({ head }) => head.scheme,
};

function withHeader(matcher: HeaderMatcher): CelCondition {
  const name = (matcher.name ?? '').toLowerCase();
  const { holds } = headerMatch(matcher, 'header_filter.header');
  const pseudo = PSEUDO[name];
  return (subject) => holds(pseudo === undefined ? subject.head.headers.all(name) : [pseudo(subject)]);
}

/** Whether what is read is in a list, or with `exclude` is not. */
function listed(
  list: readonly string[] = [],
  read: (subject: FormatSubject) => string,
  { exclude = false }: { readonly exclude?: boolean },
): CelCondition {
  const wanted = new Set(list);
  return (subject) => wanted.has(read(subject)) !== exclude;
}

/** Of what is no gRPC, that which the HTTP status stands for. */
function grpcName({ info, responseHead, responseTrailers }: FormatSubject): string {
  const given = responseTrailers?.get('grpc-status') ?? responseHead?.headers.get('grpc-status');
  const number = given !== undefined && /^\d+$/.test(given) ? Number(given) : grpcStatusOf(info.status);
  // Envoy's enumeration spells one of them in its own way.
  return (GRPC_STATUS_NAMES[number] ?? String(number)).replace('CANCELLED', 'CANCELED');
}

const readAll = (filters: readonly AccessLogFilter[] | undefined, field: string): CelCondition[] =>
  (filters ?? []).map((each, i) => within(`${field}.filters[${i}]`, () => readAccessLogFilter(each)));

function comparing(
  { comparison }: { readonly comparison?: Comparison },
  measure: (subject: FormatSubject) => number,
): CelCondition {
  const bound = readNumber(comparison?.value?.default_value, 0);
  switch (comparison?.op) {
    case 'GE':
      return (subject) => measure(subject) >= bound;
    case 'LE':
      return (subject) => measure(subject) <= bound;
    case 'NE':
      return (subject) => measure(subject) !== bound;
    default:
      return (subject) => measure(subject) === bound;
  }
}

/** Without names: any flag. */
function flagged(names: readonly string[]): CelCondition {
  const wanted = new Set(names);
  return ({ info }) => (wanted.size === 0 ? info.flags.length > 0 : info.flags.some((flag) => wanted.has(flag)));
}
