import type { Arrived } from './hosts.ts';
import type { Seen } from './two-proxies.ts';

/** Headers that Istio's own filters and a tracer add, which a plain Envoy without them does not have. */
const OF_FILTERS = /^(x-envoy-peer-metadata(-id)?|x-b3-.*|traceparent|tracestate|b3)$/;
/** Values that are one of a kind count by their presence. */
const UNIQUE = /^(x-request-id|date|x-envoy-upstream-service-time|user-agent|x-forwarded-for|set-cookie)$/;

/** What two proxies must have in common. */
export function compared({ answer, log, upstream, stats }: Seen): object {
  return {
    answer: { ...answer, headers: answer.headers.map((line) => plain(line.split(/: (.*)/s) as [string, string])) },
    log: log.map(({ listener: _, upstreamHost, ...entry }) => ({ ...entry, host: upstreamHost })),
    upstream: upstream.map(arrived),
    stats,
  };
}

const arrived = ({ headers, ...rest }: Arrived): object => ({
  ...rest,
  headers: headers
    .filter(([name]) => !OF_FILTERS.test(name) && !name.startsWith(':'))
    .map(plain)
    .sort(),
});

const plain = ([name, value]: readonly [string, string]): string =>
  `${name}: ${UNIQUE.test(name) ? '<unique>' : value}`;
