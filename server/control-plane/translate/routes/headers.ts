import type { HeaderMutations, HeaderValueOption } from '#xds';
import { compareText } from '../../snapshot/config.ts';
import type { HeaderOperations, Headers } from '../../snapshot/istio-types.ts';

export interface TranslatedHeaders {
  readonly mutations: HeaderMutations;
  /** A `Host` or `:authority` among the request's `set` or `add`: it rewrites the authority instead. */
  readonly authority: string | undefined;
}

/** Header operations; those on names that a proxy keeps for itself (`:…`, `host`) are dropped. */
export function translateHeaders(headers: Headers | undefined): TranslatedHeaders {
  const { request, response } = headers ?? {};
  return {
    mutations: {
      ...list('request_headers_to_add', additions(request)),
      ...list('request_headers_to_remove', removals(request)),
      ...list('response_headers_to_add', additions(response)),
      ...list('response_headers_to_remove', removals(response)),
    },
    authority: authorityIn(request?.set) ?? authorityIn(request?.add),
  };
}

/** The operations of a route followed by those of its one destination. */
export function joinMutations(first: HeaderMutations, second: HeaderMutations): HeaderMutations {
  return {
    ...list('request_headers_to_add', [
      ...(first.request_headers_to_add ?? []),
      ...(second.request_headers_to_add ?? []),
    ]),
    ...list('request_headers_to_remove', [
      ...(first.request_headers_to_remove ?? []),
      ...(second.request_headers_to_remove ?? []),
    ]),
    ...list('response_headers_to_add', [
      ...(first.response_headers_to_add ?? []),
      ...(second.response_headers_to_add ?? []),
    ]),
    ...list('response_headers_to_remove', [
      ...(first.response_headers_to_remove ?? []),
      ...(second.response_headers_to_remove ?? []),
    ]),
  };
}

const list = <Key extends string, Item>(key: Key, items: Item[]): { [K in Key]?: Item[] } =>
  (items.length === 0 ? {} : { [key]: items }) as { [K in Key]?: Item[] };

function additions(operations: HeaderOperations | undefined): HeaderValueOption[] {
  const options = (
    values: Readonly<Record<string, string>> | undefined,
    append_action: HeaderValueOption['append_action'],
  ): HeaderValueOption[] =>
    Object.entries(values ?? {})
      .filter(([key]) => !isInternal(key))
      .sort(([a], [b]) => compareText(a, b))
      .map(([key, value]) => ({
        header: { key, ...(value !== '' && { value }) },
        ...(append_action && { append_action }),
      }));
  return [
    ...options(operations?.set, 'OVERWRITE_IF_EXISTS_OR_ADD'),
    // Envoy's default, which a config dump leaves out.
    ...options(operations?.add, undefined),
  ];
}

const removals = (operations: HeaderOperations | undefined): string[] =>
  (operations?.remove ?? []).filter((key) => !isInternal(key));

const isInternal = (key: string): boolean => key.startsWith(':') || key.toLowerCase() === 'host';

function authorityIn(values: Readonly<Record<string, string>> | undefined): string | undefined {
  const entry = Object.entries(values ?? {}).find(([key]) => /^(:authority|host)$/i.test(key));
  return entry?.[1] === '' ? undefined : entry?.[1];
}
