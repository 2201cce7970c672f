import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences } from './support/differences.ts';
import { type OtlpSpan, startOtlpCollector } from './support/otlp-spans.ts';
import { loadPairs, type PairCase } from './support/pairs/case-file.ts';
import { byCopies } from './support/pairs/sent-spans.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { waitFor } from './support/wait.ts';

/** Spans leave in groups, the last with `flush_interval_ms` (5 s) of both. */
const FLUSH_MS = 10_000;
/** Tags that tell which of the two proxies it was. */
const OWN = /^(guid:x-request-id|user_agent|node_id|zone|peer\.address)$/;
/** Who made them. */
const MAKER = /^telemetry\.sdk\./;

/** The cases of Zipkin with a tracer of OpenTelemetry in its place. */
function withOtlp(given: PairCase, at: { ip: string; port: number }): PairCase {
  const http = given.http as { readonly tracing: object };
  const name = `otlp-${given.name}`;
  const provider = {
    name: 'envoy.tracers.opentelemetry',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
      service_name: 'shop',
      http_service: { http_uri: { uri: 'http://collector/v1/traces', cluster: `${name}.collector`, timeout: '1s' } },
    },
  };
  const host = { endpoint: { address: { socket_address: { address: at.ip, port_value: at.port } } } };
  const collector = {
    hosts: [],
    load_assignment: { cluster_name: `${name}.collector`, endpoints: [{ lb_endpoints: [host] }] },
  };
  return {
    ...given,
    name,
    http: { ...http, tracing: { ...http.tracing, provider } },
    clusters: { ...given.clusters, collector },
  };
}

describe('a collector of OpenTelemetry is sent the spans that a real Envoy sends', () => {
  let proxies: TwoProxies;
  let cases: PairCase[];
  let collector: Awaited<ReturnType<typeof startOtlpCollector>>;
  beforeAll(async () => {
    collector = await startOtlpCollector('127.0.0.1');
    cases = loadPairs('spans').map((given) => withOtlp(given, { ip: '127.0.0.1', port: collector.port }));
    proxies = await startTwoProxies(cases);
  });
  afterAll(async () => {
    await proxies?.stop();
    await collector?.stop();
  });

  /** Spans of each request of a case, by the rest of the name of its agent. */
  function sentBy({ name }: TwoProxies['ours'], given: PairCase): Map<string, OtlpSpan[]> {
    const beginning = `${name.padEnd(5, '.')}/${given.name}/`;
    const { spans } = collector;
    const named = spans.flatMap(({ traceId, tags }): [string, string][] => {
      const agent = tags['user_agent'];
      return agent?.startsWith(beginning) ? [[agent.slice(beginning.length), traceId]] : [];
    });
    return new Map(
      named.map(([agent, traceId]) => [agent, spans.filter((span) => span.traceId === traceId).toSorted(byCopies)]),
    );
  }

  const comparable = (traces: Map<string, OtlpSpan[]>): object =>
    Object.fromEntries(
      [...traces].map(([agent, spans]) => [
        agent,
        spans.map(({ annotations, flags, kind, name, parentId, resource, status, tags, traceState }) => ({
          ...{ name, kind, status, traceState, flags: String(flags) },
          parent: spans.findIndex(({ id }) => id === parentId),
          annotations: annotations.map(({ value }) => value),
          tags: Object.fromEntries(Object.entries(tags).filter(([tag]) => !OWN.test(tag))),
          resource: Object.fromEntries(Object.entries(resource).filter(([name_]) => !MAKER.test(name_))),
        })),
      ]),
    );

  it('every span has the same name, kind, parent, status, flags, attributes and events', async () => {
    for (const given of cases) {
      for (const request of given.requests) {
        for (const side of [proxies.envoy, proxies.ours]) await proxies.observe(side, given, request);
      }
    }
    for (const given of cases) {
      let apart: object[] = [];
      await waitFor(`spans of ${given.name}`, FLUSH_MS, () => {
        const envoy = sentBy(proxies.envoy, given);
        apart = differences(comparable(envoy), comparable(sentBy(proxies.ours, given)));
        return envoy.size > 1 && apart.length === 0 ? true : undefined;
      }).catch(() => undefined);
      expect({ case: given.name, apart }).toEqual({ case: given.name, apart: [] });
      expect(sentBy(proxies.envoy, given).size).toBeGreaterThan(1);
    }
  });
});
