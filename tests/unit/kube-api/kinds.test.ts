import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { formatAge } from '#domain';
import { change, deployment, kinds, newStore, service, startMs } from './cluster.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function row(object: KubeObject, wide = false): Record<string, string> {
  const kind = kinds.forObject(object.apiVersion, object.kind);
  const columns = (kind?.columns ?? []).filter((column) => wide || column.priority === 0);
  return Object.fromEntries(
    columns.map((column) => [column.name.toUpperCase(), column.cell(object, startMs + 5 * SECOND)]),
  );
}

describe('ages', () => {
  it.each([
    [0, '0s'],
    [5 * SECOND, '5s'],
    [119 * SECOND, '119s'],
    [192 * SECOND, '3m12s'],
    [4 * MINUTE, '4m'],
    [59 * MINUTE, '59m'],
    [179 * MINUTE, '179m'],
    [5 * HOUR + 3 * MINUTE, '5h3m'],
    [9 * HOUR, '9h'],
    [51 * HOUR, '2d3h'],
    [30 * DAY, '30d'],
    [800 * DAY, '2y70d'],
  ])('%i ms is %s', (ms, expected) => {
    expect(formatAge(ms)).toBe(expected);
  });
});

describe('printed columns', () => {
  it('shows a Service as kubectl does', () => {
    const stored = newStore().create(
      service('reviews', {
        clusterIP: '127.8.0.9',
        selector: { app: 'reviews' },
        ports: [{ name: 'http', port: 9080 }],
      }),
      change,
    );
    expect(row(stored, true)).toEqual({
      NAME: 'reviews',
      TYPE: 'ClusterIP',
      'CLUSTER-IP': '127.8.0.9',
      'EXTERNAL-IP': '<none>',
      'PORT(S)': '9080/TCP',
      AGE: '5s',
      SELECTOR: 'app=reviews',
    });
  });

  it('shows a Deployment as kubectl does', () => {
    const store = newStore();
    store.create(deployment('a', { replicas: 2 }), change);
    const status = { readyReplicas: 1, updatedReplicas: 2, availableReplicas: 1 };
    const stored = store.updateStatus('Deployment', { namespace: 'default', name: 'a' }, status, change);
    expect(row(stored)).toEqual({ NAME: 'a', READY: '1/2', 'UP-TO-DATE': '2', AVAILABLE: '1', AGE: '5s' });
    expect(row(stored, true)).toMatchObject({ CONTAINERS: 'app', IMAGES: 'img:1', SELECTOR: 'app=a' });
  });

  const pod = (status: object, more: object = {}): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'default', ...more },
    spec: { containers: [{ name: 'app' }, { name: 'istio-proxy' }] },
    status,
  });

  it.each([
    [
      'its phase',
      pod({ phase: 'Running', containerStatuses: [{ ready: true }, { ready: false }] }),
      { READY: '1/2', STATUS: 'Running' },
    ],
    [
      'why a container waits',
      pod({ phase: 'Pending', containerStatuses: [{ state: { waiting: { reason: 'ImagePullBackOff' } } }] }),
      { STATUS: 'ImagePullBackOff' },
    ],
    [
      'an init container at work',
      pod({ phase: 'Pending', initContainerStatuses: [{ name: 'istio-init', state: { running: {} } }] }),
      { STATUS: 'Init:0/1' },
    ],
    ['its end', pod({ phase: 'Running' }, { deletionTimestamp: '2026-03-01T10:00:00Z' }), { STATUS: 'Terminating' }],
    [
      'restarts and the last one’s age',
      pod({
        phase: 'Running',
        containerStatuses: [{ restartCount: 2, lastState: { terminated: { finishedAt: '2026-03-01T10:00:00Z' } } }],
      }),
      { RESTARTS: '2 (5s ago)' },
    ],
  ])('shows of a Pod %s', (_, object, expected) => {
    expect(row(object)).toMatchObject(expected);
  });

  it('shows Istio’s kinds with the columns of their CRDs', () => {
    const virtualService = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'VirtualService',
      metadata: { name: 'reviews', creationTimestamp: '2026-03-01T10:00:00Z' },
      spec: { hosts: ['reviews'], gateways: ['shop/front'] },
    };
    expect(row(virtualService)).toEqual({
      NAME: 'reviews',
      GATEWAYS: '["shop/front"]',
      HOSTS: '["reviews"]',
      AGE: '5s',
    });
    const rule = { ...virtualService, kind: 'DestinationRule', spec: { host: 'reviews' } };
    expect(row(rule)).toMatchObject({ HOST: 'reviews' });
  });
});

describe('defaults', () => {
  it('are those of a Service', () => {
    const stored = newStore().create(service('a', { ports: [{ port: 80 }] }), change);
    expect(stored.spec).toMatchObject({ type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
  });

  it('are those of a Deployment and its pods', () => {
    const stored = newStore().create(deployment('a'), change);
    expect(stored.spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'RollingUpdate' },
      template: { spec: { restartPolicy: 'Always', containers: [{ imagePullPolicy: 'IfNotPresent' }] } },
    });
  });

  it('are those of probes, references to fields and volumes', () => {
    const container = {
      name: 'c',
      image: 'i:1',
      env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      readinessProbe: { grpc: { port: 7070 } },
      livenessProbe: { httpGet: { port: 80 } },
    };
    const volumes = [
      { name: 'a', secret: { secretName: 's' } },
      { name: 'b', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      { name: 'c', emptyDir: null },
    ];
    const metadata = { name: 'p', namespace: 'default' };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [container], volumes } };
    expect(newStore().create(pod, change).spec).toMatchObject({
      containers: [
        {
          env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }],
          readinessProbe: { grpc: { port: 7070, service: '' }, periodSeconds: 10 },
          livenessProbe: { httpGet: { path: '/', scheme: 'HTTP' } },
        },
      ],
      volumes: [
        { secret: { defaultMode: 0o644 } },
        { downwardAPI: { defaultMode: 0o644, items: [{ fieldRef: { apiVersion: 'v1' } }] } },
        { name: 'c', emptyDir: {} },
      ],
    });
  });

  it('encode the plain data of a Secret', () => {
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { user: 'jason' } };
    const stored = newStore().create(secret, change);
    expect(stored).toMatchObject({ type: 'Opaque', data: { user: 'amFzb24=' } });
    expect(stored['stringData']).toBeUndefined();
  });
});

describe('versions of a kind', () => {
  const rule = { backendRefs: [{ name: 'web', port: 443 }] };
  const route = (kind: string, version: string, spec: object): KubeObject => ({
    apiVersion: `gateway.networking.k8s.io/${version}`,
    kind,
    metadata: { name: 'a', namespace: 'default' },
    spec,
  });

  it.each([
    ['TLSRoute', { rules: [rule] }, 'spec.hostnames: Required value'],
    ['TCPRoute', { rules: [rule, rule] }, 'spec.rules: Too many: 2: must have at most 1 items'],
  ])('takes a %s by the rules of the version that it is written in', (kind, spec, problem) => {
    expect(() => newStore().create(route(kind, 'v1', spec), change)).toThrow(problem);
    const store = newStore();
    const stored = store.create(route(kind, 'v1alpha2', spec), change);
    expect(stored.apiVersion).toBe('gateway.networking.k8s.io/v1');
    expect(store.updateStatus(kind, { namespace: 'default', name: 'a' }, { parents: [] }, change).spec).toEqual(
      stored.spec,
    );
  });
});
