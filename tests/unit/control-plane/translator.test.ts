import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createObjectTables, createSnapshotDeriver, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { type EncodedResource, type ProxyNode, typeUrls } from '#xds';
import { createTranslator } from '../../../server/control-plane/translate/index.ts';
import { parseDocuments } from '../../golden/translate/mesh.ts';

const bookinfo = parseDocuments(
  readFileSync(join(import.meta.dirname, '../../golden/translate/bookinfo.mesh.yaml'), 'utf8'),
) as KubeObject[];

const node = (pod: string): ProxyNode => ({
  id: `sidecar~127.8.1.11~${pod}.default~default.svc.cluster.local`,
  cluster: 'x.default',
  metadata: { NAMESPACE: 'default' },
});

const rule = (subset: string): KubeObject => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name: 'reviews', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { hosts: ['reviews'], http: [{ route: [{ destination: { host: 'reviews', subset } }] }] },
});

const subsets: KubeObject = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'DestinationRule',
  metadata: { name: 'reviews', namespace: 'default' },
  spec: { host: 'reviews', subsets: [{ name: 'v1', labels: { version: 'v1' } }] },
};

function mesh(objects: readonly KubeObject[]) {
  const tables = createObjectTables();
  const derive = createSnapshotDeriver(DEFAULT_MESH_CONFIG);
  for (const object of objects) tables.apply('ADDED', object);
  return { tables, snapshot: () => derive(tables) };
}

const versions = (resources: ReadonlyMap<string, EncodedResource> | undefined): Record<string, string> =>
  Object.fromEntries([...(resources ?? [])].map(([name, { version }]) => [name, version]));

describe('translator', () => {
  it('changes load assignments only when endpoints change', () => {
    const { tables, snapshot } = mesh([...bookinfo, subsets, rule('v1')]);
    const translator = createTranslator();
    const before = translator.translate(snapshot(), node('productpage-1')).resources;
    const slice = bookinfo.find((object) => object.metadata.name === 'reviews-1') as KubeObject;
    tables.apply('MODIFIED', { ...slice, endpoints: (slice['endpoints'] as unknown[]).slice(0, 1) });
    const after = translator.translate(snapshot(), node('productpage-1')).resources;
    for (const typeUrl of [typeUrls.listener, typeUrls.route, typeUrls.cluster] as const) {
      expect(versions(after.get(typeUrl))).toEqual(versions(before.get(typeUrl)));
    }
    const changed = Object.entries(versions(after.get(typeUrls.endpoint)))
      .filter(([name, version]) => versions(before.get(typeUrls.endpoint))[name] !== version)
      .map(([name]) => name);
    expect(changed).toEqual(['outbound|9080||reviews.default.svc.cluster.local']);
  });

  it('gives two sidecars of a namespace the very same encoded clusters and routes', () => {
    const { snapshot } = mesh(bookinfo);
    const translator = createTranslator();
    const mine = translator.translate(snapshot(), node('reviews-v1-1')).resources;
    const yours = translator.translate(snapshot(), node('reviews-v2-1')).resources;
    const name = 'outbound|9080||reviews.default.svc.cluster.local';
    expect(yours.get(typeUrls.cluster)?.get(name)).toBe(mine.get(typeUrls.cluster)?.get(name));
    expect(yours.get(typeUrls.route)?.get('9080')).toBe(mine.get(typeUrls.route)?.get('9080'));
  });

  it('lets the lab’s own sidecars keep to the address of a host that Istio’s look up', () => {
    const wild: KubeObject = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'ServiceEntry',
      metadata: { name: 'wild', namespace: 'default' },
      spec: {
        hosts: ['*.wild.io'],
        resolution: 'DYNAMIC_DNS',
        ports: [{ number: 80, name: 'http', protocol: 'HTTP', targetPort: 8080 }],
      },
    };
    const { snapshot } = mesh([...bookinfo, wild]);
    const cluster = (of: ProxyNode): object | undefined =>
      createTranslator().translate(snapshot(), of).resources.get(typeUrls.cluster)?.get('outbound|80||*.wild.io')?.json;
    const istio = { ...node('a'), metadata: { NAMESPACE: 'default', ISTIO_VERSION: '1.31.0' } };
    expect(cluster({ ...node('a'), userAgent: 'meshwork' })).toMatchObject({
      type: 'ORIGINAL_DST',
      lb_policy: 'CLUSTER_PROVIDED',
      original_dst_lb_config: { upstream_port_override: 8080 },
    });
    expect(cluster(istio)).toMatchObject({ cluster_type: { name: 'envoy.clusters.dynamic_forward_proxy' } });
    expect(cluster(node('a'))).toMatchObject({ type: 'EDS' });
  });

  it('reports a route to a subset that nobody defines, with the field that names it, and still builds', () => {
    const { snapshot } = mesh([...bookinfo, subsets, rule('v9')]);
    const { resources, problems } = createTranslator().translate(snapshot(), node('productpage-1'));
    expect(resources.get(typeUrls.route)?.has('9080')).toBe(true);
    expect(problems.map(({ code, origin }) => ({ code, path: origin?.path }))).toEqual([
      { code: 'IST0101', path: 'spec.http[0].route[0]' },
    ]);
  });

  it('keeps the last good route table when a new one cannot be encoded', () => {
    const { tables, snapshot } = mesh([...bookinfo, subsets, rule('v1')]);
    const translator = createTranslator();
    const good = translator.translate(snapshot(), node('productpage-1')).resources.get(typeUrls.route)?.get('9080');
    const bad = rule('v1');
    const spec = bad.spec as { http: { timeout?: string }[] };
    tables.apply('MODIFIED', {
      ...bad,
      spec: { ...spec, http: spec.http.map((each) => ({ ...each, timeout: 'soon' })) },
    });
    const { resources, problems } = translator.translate(snapshot(), node('productpage-1'));
    expect(resources.get(typeUrls.route)?.get('9080')).toBe(good);
    expect(problems.some(({ code, message }) => code === 'MW0402' && message.includes('timeout'))).toBe(true);
  });

  it('makes route tables that changed once, for twelve sidecars that see the same', () => {
    const { tables, snapshot } = mesh([...bookinfo, subsets, rule('v1')]);
    const translator = createTranslator();
    const [first, ...others] = Array.from({ length: 12 }, (_, i) => node(`pod-${i}`));
    const routesOf = (pod: ProxyNode) => translator.translate(snapshot(), pod).resources.get(typeUrls.route)!;
    const before = routesOf(first!);
    tables.apply('MODIFIED', rule('v2'));
    const after = routesOf(first!);
    expect(versions(after)).not.toEqual(versions(before));
    for (const pod of others)
      for (const [name, table] of routesOf(pod)) expect(table, `${name} of ${pod.id}`).toBe(after.get(name));
  });

  it('keeps every resource but the route table when a VirtualService changes', () => {
    const { tables, snapshot } = mesh([...bookinfo, subsets, rule('v1')]);
    const translator = createTranslator();
    const before = translator.translate(snapshot(), node('productpage-1')).resources;
    tables.apply('MODIFIED', rule('v2'));
    const after = translator.translate(snapshot(), node('productpage-1')).resources;
    expect(after.get(typeUrls.cluster)).toBe(before.get(typeUrls.cluster));
    expect(after.get(typeUrls.listener)).toBe(before.get(typeUrls.listener));
    expect(after.get(typeUrls.endpoint)).toBe(before.get(typeUrls.endpoint));
    expect(versions(after.get(typeUrls.route))).not.toEqual(versions(before.get(typeUrls.route)));
  });

  it('makes nothing anew for a gateway when a rule of the mesh alone changes, and its routes when the rule becomes its own', () => {
    const door: KubeObject = {
      apiVersion: 'networking.istio.io/v1',
      kind: 'Gateway',
      metadata: { name: 'door', namespace: 'default' },
      spec: {
        selector: { istio: 'ingressgateway' },
        servers: [{ port: { number: 80, name: 'http', protocol: 'HTTP' }, hosts: ['*'] }],
      },
    };
    const router: ProxyNode = {
      id: 'router~127.8.1.2~ingress-1.istio-system~istio-system.svc.cluster.local',
      cluster: 'istio-ingressgateway',
      metadata: { NAMESPACE: 'istio-system', LABELS: { istio: 'ingressgateway' } },
    };
    const { tables, snapshot } = mesh([...bookinfo, subsets, door, rule('v1')]);
    const translator = createTranslator();
    const before = translator.translate(snapshot(), router).resources;
    tables.apply('MODIFIED', rule('v2'));
    const after = translator.translate(snapshot(), router).resources;
    for (const typeUrl of [typeUrls.listener, typeUrls.route, typeUrls.cluster, typeUrls.endpoint] as const) {
      expect(after.get(typeUrl)).toBe(before.get(typeUrl));
    }
    const both = rule('v2');
    tables.apply('MODIFIED', { ...both, spec: { ...(both.spec as object), gateways: ['door', 'mesh'] } });
    const own = translator.translate(snapshot(), router).resources;
    expect(versions(own.get(typeUrls.route))).not.toEqual(versions(before.get(typeUrls.route)));
  });

  it('encodes a changed route table to the bytes that a fresh translation has', () => {
    const { tables, snapshot } = mesh([...bookinfo, subsets, rule('v1')]);
    const translator = createTranslator();
    translator.translate(snapshot(), node('productpage-1'));
    tables.apply('MODIFIED', rule('v2'));
    const changed = translator.translate(snapshot(), node('productpage-1')).resources;
    const fresh = createTranslator().translate(snapshot(), node('productpage-1')).resources;
    for (const typeUrl of [typeUrls.listener, typeUrls.route, typeUrls.cluster, typeUrls.endpoint] as const) {
      expect(versions(changed.get(typeUrl))).toEqual(versions(fresh.get(typeUrl)));
    }
  });
});
