import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ISTIO_MESH_DEFAULTS } from '#control-plane';
import type { KubeObject } from '#domain';
import { createDryRun, type PodObject, sendRequest } from '#sandbox';
import { systemClock } from '../../../server/system.ts';

const pod = (name: string, podIP: string, ports: readonly number[]): PodObject =>
  ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name, 'security.istio.io/tlsMode': 'istio' } },
    spec: {
      serviceAccountName: name,
      containers: [
        { name, image: name, ports: ports.map((containerPort) => ({ containerPort })) },
        { name: 'istio-proxy', image: 'docker.io/istio/proxyv2:1' },
      ],
    },
    status: { podIP, phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  }) as unknown as PodObject;

const objects = (portName: string): KubeObject[] => [
  pod('client', '10.0.0.1', []),
  pod('store', '10.0.0.2', [7000]),
  parse(`{apiVersion: v1, kind: Service, metadata: {name: store, namespace: default}, spec: {clusterIP: 10.1.0.1,
    selector: {app: store}, ports: [{name: ${portName}, port: 7000}]}}`) as KubeObject,
  parse(`{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, metadata: {name: store-1, namespace: default,
    labels: {kubernetes.io/service-name: store}}, ports: [{name: ${portName}, port: 7000}],
    endpoints: [{addresses: [10.0.0.2], conditions: {ready: true}, targetRef: {kind: Pod, name: store, namespace: default}}]}`) as KubeObject,
];

const mesh = { ...ISTIO_MESH_DEFAULTS, defaultProviders: { metrics: ['prometheus'] } };

async function run(portName: string) {
  const all = objects(portName);
  const clock = systemClock();
  const dry = createDryRun({ objects: all, mesh, clock, seed: 'test' });
  const client = all[0] as PodObject;
  await dry.startProxy(client, 'sidecar');
  const request = { url: new URL('http://store:7000/'), method: 'GET', headers: [], timeoutMs: 5000, clock };
  const view = await sendRequest(request, () => dry.network.captured('10.0.0.1', { ip: '10.1.0.1', port: 7000 }));
  const page = { ...request, url: new URL('http://10.0.0.1:15090/stats/prometheus') };
  const metrics = await sendRequest(page, () => dry.network.dial({ ip: '10.0.0.1', port: 15090 }));
  await dry.stop();
  const hop = (direction: string) => dry.hops.find((each) => each.direction === direction);
  return {
    view,
    metrics: 'body' in metrics ? metrics.body : '',
    refused: dry.refused,
    outbound: hop('outbound'),
    inbound: hop('inbound'),
    count: dry.hops.length,
  };
}

describe('a mesh in memory', () => {
  it('passes TCP on over mutual TLS, and both proxies record the same connection', async () => {
    const { view, metrics, refused, outbound, inbound, count } = await run('tcp-store');
    expect(refused).toEqual([]);
    expect(view.status).toBe(200);
    expect(count).toBe(2);
    expect(outbound).toMatchObject({ cluster: 'outbound|7000||store.default.svc.cluster.local', mtls: true });
    expect(outbound?.request.protocol).toBe('TCP');
    expect(outbound?.peer).toBe('spiffe://cluster.local/ns/default/sa/store');
    expect(inbound?.peer).toBe('spiffe://cluster.local/ns/default/sa/client');
    expect(inbound?.traceId).toBe(outbound?.traceId);
    expect(inbound?.parentSpanId).toBe(outbound?.spanId);
    expect(outbound?.steps.map(({ stage }) => stage)).toEqual([
      'capture',
      'listener',
      'filter_chain',
      'cluster',
      'endpoint',
      'pool',
      'tls_peer',
      'response',
    ]);
    expect(outbound?.request.bytes).toBeGreaterThan(0);
    const opened = metrics.split('\n').find((line) => line.startsWith('istio_tcp_connections_opened_total{'));
    expect(opened).toContain('destination_workload="store",destination_canonical_service="store"');
    expect(opened).toContain(
      'destination_principal="spiffe://cluster.local/ns/default/sa/store",destination_app="store"',
    );
    expect(opened).toContain('destination_service="store.default.svc.cluster.local"');
    expect(opened).toMatch(/ 1$/);
    expect(metrics).toMatch(/istio_tcp_received_bytes_total\{.*request_protocol="tcp".*\} \d{2,}/);
  });

  it('treats the same bytes as HTTP where the port says so', async () => {
    const { outbound, inbound } = await run('http-store');
    expect(outbound?.request).toMatchObject({ protocol: 'HTTP/1.1', method: 'GET', authority: 'store:7000' });
    expect(inbound?.response).toMatchObject({ status: 200, details: 'via_upstream' });
  });
});
