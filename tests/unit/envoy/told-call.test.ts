import { expect, it } from 'vitest';
import { describeSelf, type ProxyOptions, type ProxySelf, readStatsPlan, ToldCalls } from '#data-plane';
import type { Any } from '#xds';
import type { HopEntry } from '../../../server/envoy/hop-format.ts';
import { toldCall } from '../../../server/envoy/told-call.ts';
import { entry } from './entry.ts';

const ID = 'spiffe://cluster.local/ns/default/sa/';
const labelled = (app: string, version: string): ProxySelf =>
  describeSelf(
    {
      role: 'sidecar',
      pod: {
        name: `${app}-${version}-6d4f8b5c9-x7k2p`,
        namespace: 'default',
        ip: '127.9.1.2',
        serviceAccount: app,
        labels: { app, version },
        ports: [],
      },
    } as unknown as ProxyOptions,
    `${ID}${app}`,
  );
const [frontend, reviews] = [labelled('frontend', 'v1'), labelled('reviews', 'v2')];
const plan = (config: object = {}) => readStatsPlan({ '@type': 'stats.PluginConfig', ...config } as Any);

const call = entry({
  received: 12,
  cluster: 'outbound|8080||reviews.default.svc.cluster.local',
  workload: 'reviews-v2;default;reviews;v2;Kubernetes',
});

/** Lines of the metric, without its name. */
function lines(self: ProxySelf, entries: readonly HopEntry[], name: string, config?: object): string[] {
  const calls = new ToldCalls(self);
  const at = new Map([
    ['127.9.1.2', frontend],
    ['127.9.1.3', reviews],
  ]);
  for (const entry of entries)
    calls.count(
      toldCall(entry, (ip) => at.get(ip)),
      [plan(config)],
    );
  return calls
    .text()
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => line.slice(name.length));
}

it('counts the calls of an Envoy from both of its ends, labelled as by Istio’s own filter', () => {
  expect(lines(frontend, [call, call], 'istio_requests_total')).toEqual([
    '{reporter="source",source_workload="frontend-v1",source_canonical_service="frontend",source_canonical_revision="v1",' +
      'source_workload_namespace="default",source_principal="spiffe://cluster.local/ns/default/sa/frontend",source_app="frontend",' +
      'source_version="v1",source_cluster="Kubernetes",destination_workload="reviews-v2",destination_canonical_service="reviews",' +
      'destination_canonical_revision="v2",destination_workload_namespace="default",' +
      'destination_principal="spiffe://cluster.local/ns/default/sa/reviews",destination_app="reviews",destination_version="v2",' +
      'destination_cluster="Kubernetes",destination_service="reviews.default.svc.cluster.local",destination_service_name="reviews",' +
      'destination_service_namespace="default",request_protocol="http",response_code="200",grpc_response_status="",' +
      'response_flags="-",connection_security_policy="unknown"} 2',
  ]);
  const served: HopEntry = { ...call, direction: 'inbound', client_uri: `${ID}frontend`, host_uri: null };
  const [line = ''] = lines(reviews, [served], 'istio_requests_total');
  expect(line).toContain('reporter="destination",source_workload="frontend-v1"');
  expect(line).toContain('connection_security_policy="mutual_tls"} 1');
});

it('tells statuses of gRPC, flags, and a caller without a proxy', () => {
  const grpc = { 'content-type': 'application/grpc' };
  const stopped: HopEntry = {
    ...call,
    request_headers: grpc,
    grpc_status: 14,
    flags: 'UF,URX',
    host: null,
    host_uri: null,
  };
  const [line = ''] = lines(frontend, [{ ...stopped, workload: null }], 'istio_requests_total');
  expect(line).toContain(
    'request_protocol="grpc",response_code="200",grpc_response_status="14",response_flags="UF,URX"',
  );
  expect(line).toContain('destination_workload="unknown"');
  const stranger: HopEntry = { ...call, direction: 'inbound', remote: '127.9.1.99:4000', host_uri: null };
  const [served = ''] = lines(reviews, [stranger], 'istio_requests_total');
  expect(served).toContain('source_workload="unknown"');
  expect(served).toContain('connection_security_policy="none"');
});

it('counts a connection when it is over', () => {
  const tcp: HopEntry = { ...call, kind: 'tcp', method: null, path: null, authority: null, status: 0 };
  const of = (name: string) => lines(frontend, [tcp], name).map((line) => line.split('} ')[1]);
  expect(of('istio_tcp_connections_opened_total')).toEqual(['1']);
  expect(of('istio_tcp_connections_closed_total')).toEqual(['1']);
  expect(of('istio_tcp_sent_bytes_total')).toEqual(['92']);
  expect(of('istio_tcp_received_bytes_total')).toEqual(['12']);
  expect(of('istio_requests_total')).toEqual([]);
});

it('takes labels and metrics as Telemetry says', () => {
  const config = {
    metrics: [
      {
        name: 'requests_total',
        dimensions: { path: 'request.url_path', code: 'string(response.code)' },
        tags_to_remove: ['response_flags'],
      },
      { name: 'request_bytes', drop: true },
    ],
  };
  const [line = ''] = lines(frontend, [call], 'istio_requests_total', config);
  expect(line).toContain('code="200",path="/reviews/0"');
  expect(line).not.toContain('response_flags');
  expect(lines(frontend, [call], 'istio_request_bytes_count', config)).toEqual([]);
  expect(lines(frontend, [call], 'istio_response_bytes_count', config)).toHaveLength(1);
});
