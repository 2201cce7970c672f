import type { Arrived } from './hosts.ts';
import { comparableEntries } from './sent-entries.ts';
import type { Seen } from './two-proxies.ts';

/** Headers that Istio's own filters and a tracer add, which a plain Envoy without them does not have. */
export const OF_FILTERS = /^(x-envoy-peer-metadata(-id)?|x-b3-.*|traceparent|tracestate|b3)$/;
/** Values that are one of a kind, or depend on the time that something took, count by their presence. */
const UNIQUE =
  /^(x-request-id|date|x-envoy-upstream-service-time|user-agent|x-forwarded-for|x-envoy-external-address|x-envoy-upstream-healthchecked-cluster|x-ratelimit-reset|x-envoy-expected-rq-timeout-ms|x-took-[a-z-]+)$/;

/** What two proxies must have in common. */
export function compared(seen: Seen, traces = false): object {
  const { answer, log, upstream, stats } = seen;
  const trace = traces ? traceShown() : undefined;
  const byName = (headers: Lines): Record<string, string> => valuesByName(headers, trace);
  return {
    answer: { ...answer, headers: byName(answer.headers.map((line) => line.split(/: (.*)/s) as [string, string])) },
    log: log.map(({ listener: _, upstreamHost, ...entry }) => ({ ...entry, host: upstreamHost })),
    // Copies of a request race with it.
    upstream: upstream
      .toSorted((a, b) => a.host.localeCompare(b.host))
      .map(({ headers, ...rest }: Arrived) => ({ ...rest, headers: byName(headers) })),
    stats,
    sent: comparableEntries(seen),
  };
}

/** A cookie that is made for a hash is made of the addresses of the connection. */
const comparable = (name: string, value: string): string =>
  UNIQUE.test(name) ? '<unique>' : value.replace(/="[0-9a-f]{16}"/, '="<hash>"');

const TRACE_IDS = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{16}/g;
/** Ids that requests of cases bring along consist of one digit each but for the place that tells the decision to trace. */
const GIVEN = /^(.)(\1|-|.(?=.{3}-.{4}-.{12}$))*$/;

/** Ids by their order; of a request's id the decision to trace is left. */
function traceShown(): (value: string) => string {
  const seen = new Map<string, string>();
  return (value) =>
    value.replace(TRACE_IDS, (id) => {
      if (GIVEN.test(id)) return id;
      const shown = seen.get(id) ?? `<${seen.size}${id.includes('-') ? `:${id[14]}` : ''}>`;
      seen.set(id, shown);
      return shown;
    });
}

type Lines = readonly (readonly [string, string])[];

/** Values by name, those of a repeated one in their order. */
function valuesByName(headers: Lines, trace: ((value: string) => string) | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of trace ? headers.toSorted(([a], [b]) => (a < b ? -1 : 1)) : headers) {
    const traced = OF_FILTERS.test(name) && !name.startsWith('x-envoy');
    if ((OF_FILTERS.test(name) && !(traced && trace)) || name.startsWith(':')) continue;
    const shown = trace && (traced || name === 'x-request-id') ? trace(value) : comparable(name, value);
    found[name] = found[name] === undefined ? shown : `${found[name]} | ${shown}`;
  }
  return found;
}
