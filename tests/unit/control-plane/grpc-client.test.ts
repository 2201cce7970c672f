import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { startGrpcBackend, startGrpcXdsClient } from '../../conformance/xds-grpc/grpc-peers.ts';
import { cleanups, newStore, serve } from './fixture.ts';

const service: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'reviews', namespace: 'default' },
  spec: { clusterIP: '127.8.200.2', selector: { app: 'reviews' }, ports: [{ port: 9080, name: 'grpc' }] },
};

const pod = (version: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: `reviews-${version}`, namespace: 'default', labels: { app: 'reviews', version } },
  spec: { containers: [{ name: 'reviews', image: 'reviews' }] },
});

const slice = (version: string, port: number): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: {
    name: `reviews-${version}`,
    namespace: 'default',
    labels: { 'kubernetes.io/service-name': 'reviews' },
  },
  addressType: 'IPv4',
  ports: [{ name: 'grpc', port }],
  endpoints: [
    {
      addresses: ['127.0.0.1'],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `reviews-${version}`, namespace: 'default' },
    },
  ],
});

const subsets: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'reviews', namespace: 'default' },
  spec: { host: 'reviews', subsets: ['v1', 'v2'].map((version) => ({ name: version, labels: { version } })) },
};

const split = (v1: number, v2: number): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'reviews', namespace: 'default' },
  spec: {
    hosts: ['reviews'],
    http: [
      {
        route: [
          { destination: { host: 'reviews', subset: 'v1' }, weight: v1 },
          { destination: { host: 'reviews', subset: 'v2' }, weight: v2 },
        ],
      },
    ],
  },
});

describe("gRPC's own xDS client against the control plane", () => {
  it("resolves a service by its Istio names and follows the learner's weights", { timeout: 30_000 }, async () => {
    const v1 = await startGrpcBackend('v1');
    const v2 = await startGrpcBackend('v2');
    const store = newStore([service, pod('v1'), pod('v2'), slice('v1', v1.port), slice('v2', v2.port), subsets]);
    store.apply(split(90, 10), { changeId: 'canary' });
    const { address, controlPlane } = await serve(store);
    const client = startGrpcXdsClient({
      xdsAddress: address,
      nodeId: 'sidecar~127.8.1.9~client.default~default.svc.cluster.local',
      metadata: { NAMESPACE: 'default' },
    });
    try {
      const canary = await client.ask('xds:///reviews.default.svc.cluster.local:9080', 500);
      expect(Object.keys(canary).sort()).toEqual(['v1', 'v2']);
      expect(canary['v2']).toBeGreaterThan(20);
      expect(canary['v2']).toBeLessThan(90);
      store.apply(split(0, 100), { changeId: 'done' });
      const summary = await controlPlane.settled('done', 5000);
      expect(summary.proxies.map(({ error }) => error)).toEqual([undefined]);
      expect(await client.ask('xds:///reviews.default.svc.cluster.local:9080', 50)).toEqual({ v2: 50 });
      expect(await client.ask('xds:///reviews:9080', 20)).toEqual({ v2: 20 });
    } finally {
      await client.stop();
      cleanups.push(
        () => v1.stop(),
        () => v2.stop(),
      );
    }
  });
});
