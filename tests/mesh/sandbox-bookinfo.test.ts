import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Sandbox, SandboxEvent } from '#sandbox';
import {
  applyAndSettle,
  distribution,
  page,
  type RunningMesh,
  rule,
  signIn,
  startMesh,
  topology,
  urlOf,
  versionOf,
} from './sandbox-support.ts';

describe('Bookinfo in a sandbox', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;
  let events: SandboxEvent[];

  beforeAll(async () => {
    mesh = await startMesh(topology('bookinfo'));
    ({ sandbox, events } = mesh);
  });
  afterAll(() => mesh?.stop());

  it('has six pods with sidecars, a gateway and istiod, all ready', () => {
    const ready = sandbox.pods.map(({ namespace, labels, containers }) => [
      namespace,
      labels['app'],
      `${containers.filter(({ ready, kind }) => ready && kind !== 'init').length}/${containers.filter(({ kind }) => kind !== 'init').length}`,
    ]);
    expect(ready.filter(([namespace]) => namespace === 'default')).toHaveLength(6);
    for (const [namespace, , count] of ready) expect(count).toBe(namespace === 'default' ? '2/2' : '1/1');
  });

  it('tells each step of its start with its milliseconds', () => {
    const steps = events.flatMap((event) => (event.type === 'step' ? [event.name] : []));
    expect(steps).toEqual(['kubernetes api', 'istiod', 'ingress gateway', 'pods', 'configuration']);
  });

  it('serves the page through the ingress gateway', async () => {
    const { status, html } = await page(sandbox);
    expect(status).toBe(200);
    expect(html).toContain('The Comedy of Errors');
    expect(html).toContain('PublisherA');
    expect(versionOf(html)).toMatch(/^v[123]$/);
  });

  it('answers 404 for what the gateway does not route', async () => {
    expect((await sandbox.fetchFromOutside(urlOf(sandbox, '/health'))).status).toBe(404);
  });

  it('spreads reviews over three versions until a rule says otherwise', async () => {
    const seen = await distribution(sandbox, 90);
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v2', 'v3']);
  });

  it('records two hops of mutual TLS for each call between services', async () => {
    sandbox.hops.clear();
    await page(sandbox);
    await sandbox.until(() => sandbox.hops.requests(50).length >= 3, 3000, 'the calls are recorded');
    const [call] = sandbox.hops.requests(50).filter(({ destination }) => destination.service === 'details');
    expect(call).toMatchObject({ source: { service: 'productpage' }, status: 200, mtls: true });
    const hops = sandbox.hops
      .trace(call?.traceId ?? '')
      .filter(({ proxy }) => ['productpage', 'details'].includes(proxy.service));
    expect(
      hops.some(({ direction, peer }) => direction === 'inbound' && peer?.endsWith('/sa/bookinfo-productpage')),
    ).toBe(true);
    expect(hops.some(({ direction, peer }) => direction === 'outbound' && peer?.endsWith('/sa/bookinfo-details'))).toBe(
      true,
    );
  });

  it('loses no request while subsets and the routes to them come and go', async () => {
    const client = sandbox.pods.find(({ labels }) => labels['app'] === 'productpage');
    const [subsets, routes] = [rule('destination-rule-all'), rule('virtual-service-all-v1')];
    const answers: number[] = [];
    let stop = false;
    const worker = async (): Promise<void> => {
      while (!stop) answers.push((await client?.fetch('http://reviews:9080/reviews/0'))?.status ?? 0);
    };
    const workers = Promise.all(Array.from({ length: 4 }, worker));
    for (const files of [
      [subsets, routes],
      [routes, subsets],
    ]) {
      await applyAndSettle(sandbox, ...files);
      const kinds = ['VirtualService', 'DestinationRule'];
      const names = ['productpage', 'reviews', 'ratings', 'details'];
      const removed = kinds.flatMap((kind) =>
        names.map((name) => sandbox.remove(kind, { namespace: 'default', name })),
      );
      await sandbox.settled(removed.at(-1) ?? '', 5000);
    }
    stop = true;
    await workers;
    expect(answers.length).toBeGreaterThan(4);
    expect(answers.filter((status) => status !== 200)).toEqual([]);
  });

  it('follows 90/10 weights', async () => {
    await applyAndSettle(sandbox, rule('destination-rule-all'), rule('virtual-service-all-v1'));
    expect(await distribution(sandbox, 60)).toEqual({ v1: 60 });
    await applyAndSettle(sandbox, rule('virtual-service-reviews-90-10'));
    const seen = await distribution(sandbox, 400);
    expect(Object.keys(seen).sort()).toEqual(['v1', 'v2']);
    expect(seen['v2']).toBeGreaterThan(16);
    expect(seen['v2']).toBeLessThan(64);
  });

  it('routes a signed-in user by header', async () => {
    await applyAndSettle(sandbox, rule('virtual-service-all-v1'), rule('virtual-service-reviews-test-v2'));
    const cookie = await signIn(sandbox, 'jason');
    const { html } = await page(sandbox, { cookie });
    expect(versionOf(html)).toBe('v2');
    expect(html).toContain('stars black');
    expect(versionOf((await page(sandbox)).html)).toBe('v1');
  });

  it('aborts ratings for one user, and reviews says what is missing', async () => {
    await applyAndSettle(sandbox, rule('virtual-service-ratings-test-abort'));
    const { status, html } = await page(sandbox, { cookie: await signIn(sandbox, 'jason') });
    expect(status).toBe(200);
    expect(html).toContain('Ratings service is currently unavailable');
  });

  it('delays ratings for one user, and the page runs into its own time limit', async () => {
    await applyAndSettle(sandbox, rule('virtual-service-ratings-test-delay'));
    const cookie = await signIn(sandbox, 'jason');
    const beganMs = performance.now();
    const { html } = await page(sandbox, { cookie });
    const tookMs = performance.now() - beganMs;
    expect(html).toContain('Sorry, product reviews are currently unavailable for this book.');
    expect(tookMs).toBeGreaterThan(5900);
    expect(tookMs).toBeLessThan(7000);
  });

  it('refuses an apply as a whole when one document is wrong', async () => {
    const before = sandbox.store.resourceVersion();
    const outcome = await sandbox.apply(
      [
        rule('virtual-service-reviews-90-10'),
        { file: 'bad.yaml', text: 'apiVersion: v1\nkind: Nonsense\nmetadata:\n  name: x\n' },
      ],
      { namespace: 'default' },
    );
    expect(outcome).toMatchObject({ accepted: false, objects: [] });
    expect(outcome.diagnostics.find(({ severity }) => severity === 'error')?.location).toMatchObject({
      file: 'bad.yaml',
      line: 2,
    });
    expect(sandbox.store.resourceVersion()).toBe(before);
  });

  it('finds the line of an applied field', async () => {
    await applyAndSettle(sandbox, rule('virtual-service-reviews-90-10'));
    const origin = {
      kind: 'VirtualService',
      namespace: 'default',
      name: 'reviews',
      path: 'spec.http[0].route[1].weight',
    };
    const text = rule('virtual-service-reviews-90-10').text.split('\n');
    const place = sandbox.locate(origin);
    expect(text[(place?.line ?? 0) - 1]).toContain('weight: 10');
  });

  it('serves on without istiod, and takes new rules when it is back', async () => {
    const scale = (replicas: number): void => {
      const name = { namespace: 'istio-system', name: 'istiod' };
      sandbox.store.patch('Deployment', name, { spec: { replicas } }, { changeId: `scale-${replicas}` });
    };
    const root = sandbox.store.get('ConfigMap', { namespace: 'default', name: 'istio-ca-root-cert' })?.['data'];
    scale(0);
    await sandbox.until(() => sandbox.controlPlane === undefined, 5000, 'istiod is gone');
    expect((await page(sandbox)).status).toBe(200);
    const outcome = await sandbox.apply([rule('virtual-service-reviews-test-v2')], { namespace: 'default' });
    expect(await sandbox.settled(outcome.changeId, 100)).toBeUndefined();
    scale(1);
    await sandbox.until(
      () => (sandbox.controlPlane?.syncStatus().length ?? 0) >= 7,
      10_000,
      'every proxy is connected again',
    );
    await sandbox.until(
      () => sandbox.controlPlane?.syncStatus().every(({ types }) => !Object.values(types).includes('STALE')) ?? false,
      5000,
      'every proxy is in sync',
    );
    expect(await distribution(sandbox, 20)).toEqual({ v1: 20 });
    expect(sandbox.store.get('ConfigMap', { namespace: 'default', name: 'istio-ca-root-cert' })?.['data']).toEqual(
      root,
    );
  });

  it('restarts a deployment without losing a request', async () => {
    const statuses: number[] = [];
    let stop = false;
    const traffic = (async () => {
      while (!stop)
        statuses.push((await sandbox.fetchFromOutside(urlOf(sandbox, '/api/v1/products/0/reviews'))).status);
    })();
    const before = sandbox.pods.find(({ name }) => name.startsWith('reviews-v1'))?.name;
    const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': 'now' } } };
    sandbox.store.patch(
      'Deployment',
      { namespace: 'default', name: 'reviews-v1' },
      { spec: { template } },
      { changeId: 'restart' },
    );
    await sandbox.until(
      () => {
        const names = sandbox.pods.filter(({ name }) => name.startsWith('reviews-v1')).map(({ name }) => name);
        return names.length === 1 && names[0] !== before;
      },
      15_000,
      'the new pod has replaced the old one',
    );
    await new Promise((resolve) => sandbox.clock.after(2000, () => resolve(undefined)));
    stop = true;
    await traffic;
    expect(statuses.length).toBeGreaterThan(20);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
  });

  it('records the copy of a mirrored request with the peer that it reached', async () => {
    const mirrored = `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: details }
spec: { hosts: [details], http: [{ route: [{ destination: { host: details } }], mirror: { host: ratings } }] }`;
    await applyAndSettle(sandbox, { file: 'mirrored.yaml', text: mirrored });
    sandbox.hops.clear();
    await page(sandbox);
    const copyOf = () =>
      sandbox.hops
        .requests(50)
        .flatMap(({ traceId }) => sandbox.hops.trace(traceId))
        .find(({ cluster, proxy }) => proxy.service === 'productpage' && cluster.includes('||ratings.'));
    await sandbox.until(() => copyOf() !== undefined, 5000, 'the copy is recorded');
    const peer = 'spiffe://cluster.local/ns/default/sa/bookinfo-ratings';
    expect(copyOf()).toMatchObject({ mtls: true, peer });
  });

  it('never shows a secret in its events', () => {
    const text = JSON.stringify(events.filter(({ type }) => type === 'object' || type === 'log'));
    expect(text).toContain('istio-ca-secret');
    expect(text).not.toContain(Buffer.from('-----BEGIN PRIVATE KEY').toString('base64').slice(0, 24));
    expect(text).not.toContain('PRIVATE KEY');
  });
});
