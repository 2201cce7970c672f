import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { type AdsClient, createAdsClient, type EncodedResource, type Rejection, typeUrls, type XdsUpdate } from '#xds';
import { readWholeResponse } from '../../../server/xds/client/receive-whole.ts';
import { newSubscription } from '../../../server/xds/client/subscription.ts';
import { resourceWrapper, WRAPPER } from '../../../server/xds/wire/discovery.ts';
import {
  type AdsFixture,
  cluster,
  endpoints,
  listener,
  mailbox,
  node,
  routes,
  snapshot,
  startAds,
  wallClock,
} from './ads-fixture.ts';

const { cluster: CDS, endpoint: EDS, listener: LDS, route: RDS } = typeUrls;
const NODE = 'sidecar~127.8.1.4~reviews.default~default.svc.cluster.local';
const names = (update: XdsUpdate): string[] => update.upserted.map(({ name }) => name);

describe('ADS client of the state of the world', () => {
  let fixture: AdsFixture;
  let current: EncodedResource[];
  let client: AdsClient;
  const updates = mailbox<XdsUpdate>();
  const statuses = mailbox<string>();

  beforeEach(async () => {
    current = [cluster('a'), cluster('b'), listener('l1'), routes('80'), routes('9080')];
    fixture = await startAds(() => snapshot('1', current));
    updates.waiting.length = 0;
    statuses.waiting.length = 0;
  });
  afterEach(() => {
    client.stop();
    fixture.stop();
  });

  function start(judge: (update: XdsUpdate) => readonly Rejection[] = () => []): AdsClient {
    client = createAdsClient({
      variant: 'state of the world',
      address: fixture.address,
      node: node(NODE),
      clock: { ...wallClock, after: (delayMs, fire) => wallClock.after(Math.min(delayMs, 20), fire) },
      random: seededRandom(7),
      onUpdate(update) {
        const rejections = judge(update);
        updates.put(update);
        return rejections;
      },
      onStatus: (status) => statuses.put(status),
    });
    client.start();
    return client;
  }
  const push = (version: string, resources: EncodedResource[]): void => {
    current = resources;
    fixture.ads.setSnapshot(NODE, snapshot(version, current));
  };
  const acked = (typeUrl: string, versionInfo: string) =>
    fixture.event((event) => event.state === 'acked' && event.typeUrl === typeUrl && event.versionInfo === versionInfo);

  it('receives what it subscribes to, and its answers are known by their form', async () => {
    start().subscribe(CDS, '*');
    client.subscribe(RDS, ['9080']);
    expect(names(await updates.next())).toEqual(['a', 'b']);
    expect(names(await updates.next())).toEqual(['9080']);
    expect((await acked(RDS, '1')).variant).toBe('state of the world');
  });

  it('is told of all clusters and hands on those that changed, and those that are missing as removed', async () => {
    start().subscribe(CDS, '*');
    await updates.next();
    await acked(CDS, '1');
    push('2', [cluster('a', '9s'), cluster('c')]);
    const update = await updates.next();
    expect(names(update)).toEqual(['a', 'c']);
    // The server keeps what it drops until routes are settled, which is at once here.
    const removal = update.removed.length > 0 ? update : await updates.next();
    expect(removal).toMatchObject({ removed: ['b'], versionInfo: '2' });
  });

  it('keeps a table and endpoints that a response leaves out', async () => {
    start().subscribe(RDS, ['80', '9080']);
    await updates.next();
    await acked(RDS, '1');
    push('2', [routes('80', 'new')]);
    expect(await updates.next()).toMatchObject({ removed: [], versionInfo: '2' });
  });

  it('asks for the endpoints of a cluster before it accepts the cluster', async () => {
    current = [cluster('a'), endpoints('a')];
    start(({ typeUrl }) => {
      if (typeUrl === CDS) client.subscribe(EDS, ['a']);
      return [];
    }).subscribe(CDS, '*');
    await acked(EDS, '1');
    expect(fixture.events.map(({ state, typeUrl }) => `${state} ${typeUrl.split('.').at(-1)}`)).toEqual([
      'sent Cluster',
      'sent ClusterLoadAssignment',
      'acked Cluster',
      'acked ClusterLoadAssignment',
    ]);
  });

  it('refuses one resource by name, keeps the others, and takes a better one later', async () => {
    start(({ upserted }) =>
      upserted
        .filter(
          ({ name, resource }) => name === 'b' && 'connect_timeout' in resource && resource.connect_timeout === '1s',
        )
        .map(({ name }) => ({ name, message: 'unknown lb_policy' })),
    ).subscribe(CDS, '*');
    const refused = await fixture.event(({ state }) => state === 'nacked');
    expect(refused.error).toBe('b: unknown lb_policy');
    expect(names(await updates.next())).toEqual(['a', 'b']);
    push('2', [cluster('a'), cluster('b', '2s')]);
    // What was taken of the refused response is in force.
    expect(names(await updates.next())).toEqual(['b']);
    await acked(CDS, '2');
  });

  it('hears that a refused resource is gone, too', async () => {
    start(({ upserted }) =>
      upserted.filter(({ name }) => name === 'b').map(({ name }) => ({ name, message: 'no' })),
    ).subscribe(LDS, '*');
    push('1', [listener('l1'), listener('b', 9)]);
    await fixture.event(({ state }) => state === 'nacked');
    push('2', [listener('l1')]);
    let update = await updates.next();
    while (update.versionInfo !== '2') update = await updates.next();
    expect(update).toMatchObject({ upserted: [], removed: ['b'] });
  });

  it('reconnects, and takes only what changed meanwhile', async () => {
    start().subscribe(CDS, '*');
    client.subscribe(RDS, ['80']);
    await acked(RDS, '1');
    updates.waiting.length = 0;
    const port = Number(fixture.address.split(':')[1]);
    fixture.stop();
    expect(await statuses.next()).toBe('connected');
    expect(await statuses.next()).toBe('disconnected');
    current = [cluster('b', '5s'), cluster('c'), routes('80')];
    fixture = await startAds(() => snapshot('2', current), { port });
    const update = await updates.next();
    expect(names(update)).toEqual(['b', 'c']);
    expect(update.removed).toEqual(['a']);
    expect(names(await updates.next())).toEqual(['80']);
  });
});

describe('a response of the state of the world', () => {
  const any = (resource: EncodedResource) => ({ typeUrl: resource.typeUrl as string, value: resource.bytes });
  const response = (typeUrl: string, resources: { typeUrl: string; value: Uint8Array }[]) => ({
    typeUrl,
    versionInfo: '2',
    nonce: '2',
    resources,
  });
  const holding = (...held: string[]) => {
    const subscription = newSubscription(CDS, '*');
    for (const name of held) subscription.held.set(name, 'old');
    return subscription;
  };

  it('removes nothing while it has something that cannot even be told by name', () => {
    const garbage = { typeUrl: CDS, value: Uint8Array.from([255, 255, 255]) };
    const { update, rejections } = readWholeResponse(response(CDS, [any(cluster('a')), garbage]), holding('a', 'b'));
    expect(names(update)).toEqual(['a']);
    expect(update.removed).toEqual([]);
    expect(rejections).toEqual([{ name: 'resources[1]', message: expect.stringMatching(/Cluster/) }]);
  });

  it('keeps what it cannot read but can tell by name, and removes the rest', () => {
    // Name, then a transport socket whose Any is of a type that nobody knows.
    const unknown = Buffer.concat([
      Buffer.from([0x0a, 1, 0x62]),
      Buffer.from([0xc2, 1, 10, 0x1a, 8, 0x0a, 6, ...Buffer.from('a.x/yz')]),
    ]);
    const { update, rejections } = readWholeResponse(
      response(CDS, [{ typeUrl: CDS, value: unknown }]),
      holding('a', 'b'),
    );
    expect(rejections.map(({ name }) => name)).toEqual(['b']);
    expect(update.removed).toEqual(['a']);
  });

  it('refuses a resource of another type, and one without a name', () => {
    const { rejections, update } = readWholeResponse(
      response(CDS, [any(routes('80')), { typeUrl: CDS, value: new Uint8Array() }]),
      holding('a'),
    );
    expect(rejections.map(({ message }) => message)).toEqual([`its type is ${RDS}, not ${CDS}`, 'it has no name']);
    expect(update.removed).toEqual([]);
  });

  it('takes the first of two clusters under one name and refuses the second; of two tables it takes the first', () => {
    const clusters = readWholeResponse(response(CDS, [any(cluster('a', '1s')), any(cluster('a', '2s'))]), holding());
    expect(clusters.update.upserted).toMatchObject([{ name: 'a', resource: { connect_timeout: '1s' } }]);
    expect(clusters.rejections).toEqual([{ name: 'a', message: 'duplicate cluster a found' }]);
    const tables = readWholeResponse(
      response(RDS, [any(routes('80', 'x')), any(routes('80', 'y'))]),
      newSubscription(RDS, ['80']),
    );
    expect(names(tables.update)).toEqual(['80']);
    expect(tables.rejections).toEqual([]);
  });

  it('opens the envelope of a resource', () => {
    const value = resourceWrapper.write({ name: 'a', version: '7', resource: any(cluster('a')) });
    const { update, rejections } = readWholeResponse(response(CDS, [{ typeUrl: WRAPPER, value }]), holding());
    expect(rejections).toEqual([]);
    expect(names(update)).toEqual(['a']);
  });
});
