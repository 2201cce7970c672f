import { describe, expect, it } from 'vitest';
import { createClusterAuthority } from '#ca';
import { type ControlPlane, createControlPlane, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import { type ProvenIdentity, typeUrls } from '#xds';
import { manualClock } from '../../support/manual-clock.ts';
import { gateway, grant, namespace, service } from './statuses-of.ts';

const clock = manualClock();
const { certPem, keyPem } = createClusterAuthority({ clock }).issue(['shop.example.com']);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const secret = (name: string, of: string, extra: Record<string, string> = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: of },
  data: { 'tls.crt': base64(certPem), 'tls.key': base64(keyPem), ...extra },
});

const listener = (name: string, reference: object) => ({
  name,
  port: 443,
  protocol: 'HTTPS',
  hostname: `${name}.example.com`,
  tls: { mode: 'Terminate', certificateRefs: [reference] },
});

const istioGateway = (name: string, tls: object): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'Gateway',
  metadata: { name, namespace: 'default' },
  spec: { servers: [{ port: { number: 8443, name, protocol: 'HTTPS' }, hosts: [`${name}.example.com`], tls }] },
});

const objects: readonly KubeObject[] = [
  ...['default', 'open', 'closed'].map((name) => namespace(name)),
  secret('own', 'default', { 'ca.crt': base64(certPem) }),
  secret('near', 'open'),
  secret('far', 'closed'),
  service('gw-istio', {
    ports: [{ name: 'https', port: 443 }],
    selector: { 'gateway.networking.k8s.io/gateway-name': 'gw' },
  }),
  gateway(
    {
      listeners: [
        listener('own', { name: 'own' }),
        listener('near', { name: 'near', namespace: 'open' }),
        listener('far', { name: 'far', namespace: 'closed' }),
      ],
    },
    { namespace: 'default' },
  ),
  grant(
    { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'default' },
    { group: '', kind: 'Secret' },
    'open',
  ),
  istioGateway('mutual', { mode: 'MUTUAL', credentialName: 'own' }),
  istioGateway('reaching', { mode: 'SIMPLE', credentialName: 'kubernetes://closed/far' }),
  istioGateway('lost', { mode: 'SIMPLE', credentialName: 'nowhere' }),
];

/** A service that `app: caller` reaches by mutual TLS with the pair of its namespace. */
const external: readonly KubeObject[] = [
  service('bank', { ports: [{ name: 'http', port: 80 }], selector: { app: 'bank' } }),
  {
    apiVersion: 'networking.istio.io/v1',
    kind: 'DestinationRule',
    metadata: { name: 'bank', namespace: 'default' },
    spec: {
      host: 'bank.default.svc.cluster.local',
      workloadSelector: { matchLabels: { 'gateway.networking.k8s.io/gateway-name': 'gw' } },
      trafficPolicy: { tls: { mode: 'MUTUAL', credentialName: 'own' } },
    },
  },
];

const RBAC = { apiGroup: 'rbac.authorization.k8s.io' };
const reader: readonly KubeObject[] = [
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: 'reader', namespace: 'default' },
    rules: [{ apiGroups: [''], resources: ['secrets'], verbs: ['list'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: 'reader', namespace: 'default' },
    subjects: [{ kind: 'ServiceAccount', name: 'caller', namespace: 'default' }],
    roleRef: { ...RBAC, kind: 'Role', name: 'reader' },
  },
];

function controlPlane(more: readonly KubeObject[]): ControlPlane {
  const store = createKubeStore({ kinds: createKindRegistry([...coreKinds, ...istioKinds, ...gatewayKinds]), clock });
  for (const object of [...objects, ...more]) store.apply(object, { changeId: 'c' });
  const plane = createControlPlane({
    store,
    meshConfig: DEFAULT_MESH_CONFIG,
    clock,
    onPush: () => undefined,
    onLog: () => undefined,
  });
  plane.start();
  return plane;
}

interface Asked {
  readonly type?: string;
  readonly more?: readonly KubeObject[];
}

function namesFor(identity: ProvenIdentity | undefined, asked: Asked = {}): string[] {
  const { type = 'router', more = [] } = asked;
  const plane = controlPlane(more);
  const snapshot = plane.snapshotFor({
    id: `${type}~127.0.0.9~gw.default~default.svc.cluster.local`,
    cluster: 'gw',
    metadata: { NAMESPACE: 'default', LABELS: { 'gateway.networking.k8s.io/gateway-name': 'gw' } },
    ...(identity && { identity }),
  });
  plane.stop();
  return [...(snapshot.resources.get(typeUrls.secret)?.keys() ?? [])].sort();
}

const OWN = [
  'kubernetes-gateway://default/own',
  'kubernetes-gateway://open/near',
  'kubernetes://own',
  'kubernetes://own-cacert',
];

describe('certificates by SDS', () => {
  it('go to the gateway that its Gateway names, with what other namespaces grant and nothing else', () => {
    expect(namesFor({ namespace: 'default', serviceAccount: 'gw-istio' })).toEqual(OWN);
  });

  it('do not go to a proxy that proves nothing, whatever it says of itself', () => {
    expect(namesFor(undefined)).toEqual([]);
  });

  it('of a managed Gateway do not go to another account of its namespace', () => {
    expect(namesFor({ namespace: 'default', serviceAccount: 'default' })).toEqual([
      'kubernetes://own',
      'kubernetes://own-cacert',
    ]);
  });

  it('do not go to another namespace that pretends to be this one: it has its own only', () => {
    expect(namesFor({ namespace: 'closed', serviceAccount: 'gw-istio' })).toEqual(['kubernetes://closed/far']);
  });

  it('that are missing are left out, so that nothing else is served in their place', () => {
    expect(namesFor({ namespace: 'default', serviceAccount: 'gw-istio' })).not.toContain('kubernetes://nowhere');
  });

  it('of a sidecar’s own namespace have keys for an account that may list Secrets, and roots for every account', () => {
    const caller = { namespace: 'default', serviceAccount: 'caller' };
    const more = [...external, ...reader];
    expect(namesFor(caller, { type: 'sidecar', more: external })).toEqual(['kubernetes://own-cacert']);
    expect(namesFor(caller, { type: 'sidecar', more })).toEqual(['kubernetes://own', 'kubernetes://own-cacert']);
    expect(namesFor({ ...caller, serviceAccount: 'other' }, { type: 'sidecar', more })).toEqual([
      'kubernetes://own-cacert',
    ]);
  });
});
