import { beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import { createManifests, type Manifests } from '../../../server/sandbox/manifests/manifests.ts';
import { addressPlan } from '../../../server/sandbox/network/addresses.ts';
import { manualClock } from '../workloads/support.ts';

const reviews = `# a comment
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
spec:
  hosts: [reviews]
  http:
    - route:
        - destination: { host: reviews, subset: v1 }
          weight: 90
        - destination: { host: reviews, subset: v2 }
          weight: 10
`;
const service = (name: string, ip: string): string =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\nspec:\n  clusterIP: ${ip}\n  ports: [{ port: 80 }]\n`;

describe('manifests', () => {
  let store: KubeStore;
  let manifests: Manifests;
  beforeEach(() => {
    const kinds = createKindRegistry([...coreKinds, ...istioKinds]);
    store = createKubeStore({ kinds, clock: manualClock(), random: seededRandom('m') });
    manifests = createManifests(store, addressPlan(9).isServiceIp);
  });
  const apply = (...texts: string[]) =>
    manifests.apply(
      texts.map((text, index) => ({ file: `${index}.yaml`, text })),
      { namespace: 'default', changeId: 'c' },
    );
  const lines = (text: string): (readonly [string, number | undefined])[] =>
    apply(text).diagnostics.map(({ message, location }) => [message, location?.line] as const);

  it('store every document and say what became of it', () => {
    const text = `${reviews}---\n${service('reviews', '127.9.128.3')}`;
    expect(apply(text).objects.map(({ kind, outcome }) => [kind, outcome])).toEqual([
      ['VirtualService', 'created'],
      ['Service', 'created'],
    ]);
    expect(apply(text).objects.map(({ outcome }) => outcome)).toEqual(['unchanged', 'unchanged']);
    expect(apply(text.replace('weight: 10', 'weight: 20')).objects.map(({ outcome }) => outcome)).toEqual([
      'configured',
      'unchanged',
    ]);
  });

  it('store nothing when one of several files is refused', () => {
    const before = store.resourceVersion();
    expect(apply(reviews, 'apiVersion: v1\nkind: Service\nmetadata: { name: x }\nspec: { prots: [] }\n')).toMatchObject(
      {
        accepted: false,
        objects: [],
      },
    );
    expect(store.resourceVersion()).toBe(before);
  });

  it('point at the line of each refusal', () => {
    expect(lines('kind: Service\nmetadata: { name: x }\n')[0]?.[1]).toBe(1);
    expect(lines('apiVersion: v1\nkind: Nonsense\nmetadata: { name: x }\n')[0]?.[1]).toBe(2);
    const elsewhere = reviews.replace('name: reviews', 'name: reviews\n  namespace: nowhere');
    expect(lines(elsewhere)).toEqual([['namespaces "nowhere" not found', 6]]);
  });

  it('create a namespace before what the same text puts into it', () => {
    const shop = reviews.replace('name: reviews', 'name: reviews\n  namespace: shop');
    const outcome = apply(shop, 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n');
    expect(outcome.objects.map(({ kind, namespace }) => [kind, namespace])).toEqual([
      ['Namespace', ''],
      ['VirtualService', 'shop'],
    ]);
  });

  it('refuse an address that a Service cannot have', () => {
    expect(lines(service('a', '10.96.0.1'))).toEqual([[expect.stringContaining('not in the valid range'), 5]]);
    apply(service('a', '127.9.128.7'));
    expect(lines(service('b', '127.9.128.7'))).toEqual([[expect.stringContaining('already allocated'), 5]]);
  });

  it('find the line of a field in the text that was applied last', () => {
    const origin = {
      kind: 'VirtualService',
      namespace: 'default',
      name: 'reviews',
      path: 'spec.http[0].route[1].weight',
    };
    apply(reviews);
    expect(manifests.locate(origin)).toMatchObject({ file: '0.yaml', line: 13, column: 11 });
    apply(`\n${reviews}`);
    expect(manifests.locate(origin)).toMatchObject({ line: 14 });
    expect(manifests.locate({ ...origin, path: 'spec.http[0].timeout' })).toMatchObject({ line: 10 });
    store.delete('VirtualService', { namespace: 'default', name: 'reviews' }, { changeId: 'd' });
    expect(manifests.locate(origin)).toBeUndefined();
  });

  it('advise on what is accepted, without storing anything', () => {
    const before = store.resourceVersion();
    const found = manifests.validate([{ file: 'a.yaml', text: reviews }], { namespace: 'default' });
    expect(found.map(({ code }) => code)).toContain('IST0101');
    expect(store.resourceVersion()).toBe(before);
    expect(apply(reviews).accepted).toBe(true);
  });

  it('repeat the warnings of what is stored when the mesh as it is is asked for', () => {
    const twoOpen = `${reviews.split('  http:')[0]}  http:
    - route: [{ destination: { host: reviews } }]
    - match: [{ uri: { prefix: /a } }]
      route: [{ destination: { host: reviews } }]
`;
    apply(twoOpen);
    const codes = () => manifests.validate([], { namespace: 'default' }).map(({ code }) => code);
    expect(codes()).toContain('IST0130');
    store.delete('VirtualService', { namespace: 'default', name: 'reviews' }, { changeId: 'd' });
    expect(codes()).not.toContain('IST0130');
  });

  it('judge what is stored, whoever changed it, and name no line of a text that says something else', () => {
    apply(reviews);
    const found = () => manifests.validate([], { namespace: 'default' }).filter(({ code }) => code === 'MW0201');
    expect(found()).toEqual([]);
    const [first, second] = [90, 20].map((weight, i) => ({
      destination: { host: 'reviews', subset: `v${i + 1}` },
      weight,
    }));
    const change = (weights: object): void => {
      const name = { namespace: 'default', name: 'reviews' };
      store.patch('VirtualService', name, { spec: { http: [{ route: weights }] } }, { changeId: 'p' });
    };
    change([first, second]);
    expect(found()).toMatchObject([{ message: expect.stringContaining('110') }]);
    expect(found()[0]?.location).toBeUndefined();
    apply(reviews.replace('weight: 10', 'weight: 30'));
    expect(found()[0]?.location).toMatchObject({ file: '0.yaml' });
  });

  it('tell lines of the files that the objects are said to stand in, and of no other', () => {
    const kept = (name: string): string => JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name } });
    apply(`${kept('reviews')}\n---\n${kept('by-hand')}`);
    const before = store.resourceVersion();
    const text = `# a comment\n${service('reviews', '127.9.128.3')}---\n${service('never-stored', '127.9.128.4')}`;
    manifests.placeIn([{ file: 'shop.yaml', text }], { namespace: 'default' });
    const placeOf = (name: string) =>
      manifests.locate({ kind: 'Service', namespace: 'default', name, path: 'spec.ports' });
    expect(placeOf('reviews')).toMatchObject({ file: 'shop.yaml', line: 7 });
    expect(placeOf('by-hand')).toBeUndefined();
    expect(store.resourceVersion()).toBe(before);
  });

  it('knows that istiod injects, before its webhook is stored', () => {
    const gateway = `apiVersion: apps/v1
kind: Deployment
metadata: { name: edge }
spec:
  selector: { matchLabels: { app: edge } }
  template:
    metadata: { labels: { app: edge, sidecar.istio.io/inject: 'true' }, annotations: { inject.istio.io/templates: gateway } }
    spec: { containers: [{ name: istio-proxy, image: auto }] }
`;
    const namespace = (name: string): string => `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${name} }\n`;
    const codes = (): string[] =>
      manifests.validate([{ file: 'edge.yaml', text: gateway }], { namespace: 'default' }).map(({ code }) => code);
    apply(namespace('default'));
    expect(codes()).toContain('IST0146');
    const istiod =
      'apiVersion: v1\nkind: Service\nmetadata: { name: istiod, namespace: istio-system }\nspec: { ports: [{ port: 443 }] }\n';
    expect(apply(namespace('istio-system'), istiod).accepted).toBe(true);
    expect(codes()).not.toContain('IST0146');
  });
});
