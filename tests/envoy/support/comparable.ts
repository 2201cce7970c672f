import { networkInterfaces } from 'node:os';
import type { Seen } from './both-proxies.ts';
import type { Received } from './echo-server.ts';

/** Headers that Istio's own filters add, which a plain Envoy does not have; our proxies do the filters' work. */
const OF_ISTIO_FILTERS = new Set(['x-envoy-peer-metadata', 'x-envoy-peer-metadata-id', 'x-envoy-decorator-operation']);
/** Headers of the span: Envoy traces only with a tracer in its configuration. */
const OF_TRACING = /^(x-b3-.*|traceparent|tracestate|b3)$/;
/** Headers whose value is one of a kind. */
const UNIQUE = new Set(['x-request-id', 'date', 'x-envoy-upstream-service-time', 'user-agent']);
/** Envoy takes the machine's address for its own: in a pod both are one. */
const MACHINE = new Set(
  Object.values(networkInterfaces()).flatMap((list) => list?.map(({ address }) => address) ?? []),
);

/** What two proxies must have in common: values that are unique by nature count by their presence. */
export interface Comparable {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly log: Seen['log'];
  readonly upstream: readonly (Omit<Received, 'headers'> & { readonly headers: Readonly<Record<string, string>> })[];
}

export function comparable({ status, headers, body, log, upstream, proxyIp }: Seen): Comparable {
  return {
    status,
    headers: plain(Object.entries(headers), proxyIp),
    body,
    log,
    upstream: [...upstream]
      .sort((a, b) => a.version.localeCompare(b.version))
      .map(({ headers: received, ...rest }) => ({ ...rest, headers: plain(received, proxyIp) })),
  };
}

const plain = (headers: readonly (readonly [string, string])[], proxyIp: string): Record<string, string> =>
  Object.fromEntries(
    headers
      .filter(([name]) => !OF_ISTIO_FILTERS.has(name) && !OF_TRACING.test(name))
      .map(([name, value]): [string, string] => [name, valueOf(name, value, proxyIp)])
      .sort(([a], [b]) => a.localeCompare(b)),
  );

const valueOf = (name: string, value: string, proxyIp: string): string => {
  if (UNIQUE.has(name)) return '<unique>';
  return name === 'x-forwarded-for' && (value === proxyIp || MACHINE.has(value)) ? '<the proxy>' : value;
};
