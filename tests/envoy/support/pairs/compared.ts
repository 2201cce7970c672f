import type { Arrived } from './hosts.ts';
import type { Seen } from './two-proxies.ts';

/** Headers that Istio's own filters and a tracer add, which a plain Envoy without them does not have. */
const OF_FILTERS = /^(x-envoy-peer-metadata(-id)?|x-b3-.*|traceparent|tracestate|b3)$/;
/** Values that are one of a kind, or depend on the time that something took, count by their presence. */
const UNIQUE =
  /^(x-request-id|date|x-envoy-upstream-service-time|user-agent|x-forwarded-for|x-envoy-external-address|x-envoy-upstream-healthchecked-cluster|x-ratelimit-reset|x-envoy-expected-rq-timeout-ms)$/;

/** What two proxies must have in common. */
export function compared({ answer, log, upstream, stats }: Seen): object {
  return {
    answer: { ...answer, headers: byName(answer.headers.map((line) => line.split(/: (.*)/s) as [string, string])) },
    log: log.map(({ listener: _, upstreamHost, ...entry }) => ({ ...entry, host: upstreamHost })),
    // Copies of a request race with it.
    upstream: upstream
      .toSorted((a, b) => a.host.localeCompare(b.host))
      .map(({ headers, ...rest }: Arrived) => ({ ...rest, headers: byName(headers) })),
    stats,
  };
}

/** Values by name, those of a repeated one in their order. */
function byName(headers: readonly (readonly [string, string])[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (OF_FILTERS.test(name) || name.startsWith(':')) continue;
    // A cookie that is made for a hash is made of the addresses of the connection.
    const shown = UNIQUE.test(name) ? '<unique>' : value.replace(/="[0-9a-f]{16}"/, '="<hash>"');
    found[name] = found[name] === undefined ? shown : `${found[name]} | ${shown}`;
  }
  return found;
}
