import type { Any, HeaderMutation } from '#xds';
import { compileFormat, type Format } from '../../format/template.ts';
import { compileHeaderMutations, type HeaderChange } from '../header-mutations.ts';
import { ConfigProblem } from '../problem.ts';
import { asBytes } from '../string-match.ts';

/** One change to the parameters of a query; `value` undefined: the parameter is removed. */
export interface QueryChange {
  readonly name: string;
  readonly value: Format | undefined;
  readonly action: 'APPEND_IF_EXISTS_OR_ADD' | 'ADD_IF_ABSENT' | 'OVERWRITE_IF_EXISTS_OR_ADD' | 'OVERWRITE_IF_EXISTS';
}

/** envoy.extensions.filters.http.header_mutation.v3, of a listener or of a route. */
export interface HeaderMutationConfig {
  readonly request: readonly HeaderChange[];
  readonly query: readonly QueryChange[];
  readonly requestTrailers: readonly HeaderChange[];
  readonly response: readonly HeaderChange[];
  readonly trailers: readonly HeaderChange[];
  /** Of several levels the most specific is applied last. */
  readonly mostSpecificWins: boolean;
}

interface QueryMutationJson {
  readonly remove?: string;
  readonly append?: {
    readonly record?: { readonly key?: string; readonly value?: unknown };
    readonly entry?: { readonly key?: string; readonly value?: string };
    readonly action?: QueryChange['action'];
  };
}

export function readHeaderMutation(config: Any): HeaderMutationConfig {
  const given = (config['mutations'] ?? {}) as Readonly<Record<string, readonly HeaderMutation[]>>;
  const changes = (name: string): HeaderChange[] => compileHeaderMutations(given[name], `mutations.${name}`);
  return {
    request: changes('request_mutations'),
    query: ((given['query_parameter_mutations'] ?? []) as readonly QueryMutationJson[]).map(readQueryChange),
    requestTrailers: changes('request_trailers_mutations'),
    response: changes('response_mutations'),
    trailers: changes('response_trailers_mutations'),
    mostSpecificWins: config['most_specific_header_mutations_wins'] === true,
  };
}

function readQueryChange({ append, remove }: QueryMutationJson, i: number): QueryChange {
  if (append === undefined && !remove) {
    throw new ConfigProblem(`mutations.query_parameter_mutations[${i}]`, "One of 'append'/'remove' must be specified.");
  }
  if (append === undefined) return { name: asBytes(remove ?? ''), value: undefined, action: 'OVERWRITE_IF_EXISTS' };
  const name = append.record?.key ?? append.entry?.key ?? '';
  const value = String(append.record?.value ?? append.entry?.value ?? '');
  const field = `mutations.query_parameter_mutations[${i}].append`;
  if (name === '') throw new ConfigProblem(field, 'names no parameter');
  return {
    name: asBytes(name),
    value: compileFormat(asBytes(value), field, ''),
    action: append.action ?? 'APPEND_IF_EXISTS_OR_ADD',
  };
}
