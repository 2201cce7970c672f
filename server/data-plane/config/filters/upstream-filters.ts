import type { Any } from '#xds';
import { ConfigProblem, within } from '../problem.ts';
import { type HeaderMutationConfig, readHeaderMutation } from './header-mutation.ts';

/** A filter that runs for each try of a request, behind the router. */
export interface UpstreamFilter {
  /** By which routes speak to it. */
  readonly name: string;
  readonly mutation: HeaderMutationConfig;
}

interface FilterJson {
  readonly name?: string;
  readonly typed_config?: Any;
  readonly disabled?: boolean;
  readonly is_optional?: boolean;
}

const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.';
const CODEC = `${TYPE}upstream_codec.v3.UpstreamCodec`;
const MUTATION = `${TYPE}header_mutation.v3.HeaderMutation`;

/**
 * Reads `upstream_http_filters` of a router, or `http_filters` of a cluster's HttpProtocolOptions; undefined: there are none. Unlike Envoy,
 * header_mutation is the only one there is besides the codec.
 */
export function readUpstreamFilters(given: unknown, field: string): readonly UpstreamFilter[] | undefined {
  const filters = (given ?? []) as readonly FilterJson[];
  if (filters.length === 0) return undefined;
  const terminal = filters.findIndex(({ typed_config }) => typed_config?.['@type'] === CODEC);
  if (terminal !== filters.length - 1) {
    throw new ConfigProblem(
      field,
      "The codec filter is the only valid terminal upstream HTTP filter, use 'envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec'",
    );
  }
  return filters.slice(0, -1).flatMap((filter, i) => within(`${field}[${i}]`, () => readFilter(filter)));
}

function readFilter({ disabled, is_optional, name = '', typed_config: config }: FilterJson): UpstreamFilter[] {
  if (disabled === true) return [];
  const type = config?.['@type'] ?? '';
  if (type === MUTATION && config !== undefined) {
    const mutation = within(name, () => readHeaderMutation(config));
    if (mutation.requestTrailers.length > 0)
      throw new ConfigProblem(`${name}.mutations.request_trailers_mutations`, 'is for filters before the router here');
    return [{ name, mutation }];
  }
  if (is_optional === true) return [];
  throw new ConfigProblem('name', `${name} (${type}): only header_mutation runs behind the router here`);
}
