import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import {
  type AdsClient,
  type AdsClientOptions,
  createAdsClient,
  type EncodedResource,
  type Rejection,
  typeUrls,
  type XdsUpdate,
} from '#xds';
import { readResponse } from '../../../server/xds/client/receive.ts';
import { newSubscription } from '../../../server/xds/client/subscription.ts';
import {
  type AdsFixture,
  cluster,
  endpoints,
  mailbox,
  node,
  routes,
  snapshot,
  startAds,
  wallClock,
} from './ads-fixture.ts';

/** Waits that a test sees and ends at once. */
function impatientClock(): typeof wallClock & { readonly delaysMs: number[] } {
  const delaysMs: number[] = [];
  return {
    ...wallClock,
    delaysMs,
    after(delayMs, fire) {
      delaysMs.push(delayMs);
      return wallClock.after(Math.min(delayMs, 20), fire);
    },
  };
}

/** Passes bytes on until it is told to stand still: connections stay open, and nothing comes. */
async function startRelay(port: number) {
  const sockets = new Set<Socket>();
  let halted = false;
  const server = createServer((client) => {
    const host = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [client, host],
      [host, client],
    ] as const) {
      sockets.add(from);
      from.on('data', (bytes) => void (halted || to.write(bytes)));
      from.on('error', () => undefined).on('close', () => to.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    halt: () => {
      halted = true;
    },
    resume: () => {
      halted = false;
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

describe('ADS client', () => {
  let fixture: AdsFixture;
  let current: EncodedResource[];
  let running: AdsClient[];
  const updates = mailbox<XdsUpdate>();
  const statuses = mailbox<string>();
  let clock: ReturnType<typeof impatientClock>;

  beforeEach(async () => {
    running = [];
    current = [cluster('a'), cluster('b'), routes('9080'), routes('80')];
    fixture = await startAds(() => snapshot('1', current));
    clock = impatientClock();
    updates.waiting.length = 0;
    statuses.waiting.length = 0;
  });
  afterEach(() => {
    for (const client of running) client.stop();
    fixture.stop();
  });

  function start(
    onUpdate: (update: XdsUpdate) => readonly Rejection[] = () => [],
    extra: Partial<AdsClientOptions> = {},
  ) {
    const client = createAdsClient({
      address: fixture.address,
      node: node('sidecar~127.8.1.4~reviews.default~default.svc.cluster.local'),
      clock,
      random: seededRandom(7),
      onUpdate(update) {
        const rejections = onUpdate(update);
        updates.put(update);
        return rejections;
      },
      onStatus: (status) => statuses.put(status),
      ...extra,
    });
    running.push(client);
    client.start();
    return client;
  }

  const names = (update: XdsUpdate): string[] => update.upserted.map(({ name }) => name);

  it('receives what it subscribes to and accepts it', async () => {
    const client = start();
    client.subscribe(typeUrls.cluster, '*');
    client.subscribe(typeUrls.route, ['9080']);
    const clusters = await updates.next();
    expect(names(clusters)).toEqual(['a', 'b']);
    expect(clusters.upserted[0]?.resource).toMatchObject({ name: 'a', type: 'EDS', connect_timeout: '1s' });
    const table = await updates.next();
    expect(names(table)).toEqual(['9080']);
    expect(table.versionInfo).toBe('1');
    const acked = await fixture.event(({ state, typeUrl }) => state === 'acked' && typeUrl === typeUrls.route);
    expect(acked.resources).toEqual(['9080']);
    expect(await statuses.next()).toBe('connected');
  });

  it('asks for the endpoints of a cluster before it accepts the cluster', async () => {
    current = [cluster('a'), endpoints('a')];
    const client = start(({ typeUrl }) => {
      if (typeUrl === typeUrls.cluster) client.subscribe(typeUrls.endpoint, ['a']);
      return [];
    });
    client.subscribe(typeUrls.cluster, '*');
    await fixture.event(({ state, typeUrl }) => state === 'acked' && typeUrl === typeUrls.endpoint);
    expect(fixture.events.map(({ state, typeUrl }) => `${state} ${typeUrl.split('.').at(-1)}`)).toEqual([
      'sent Cluster',
      'sent ClusterLoadAssignment',
      'acked Cluster',
      'acked ClusterLoadAssignment',
    ]);
  });

  it('refuses one resource by name and keeps the others', async () => {
    const client = start(({ upserted }) =>
      upserted.filter(({ name }) => name === 'b').map(({ name }) => ({ name, message: 'unknown lb_policy' })),
    );
    client.subscribe(typeUrls.cluster, '*');
    const refused = await fixture.event(({ state }) => state === 'nacked');
    expect(refused.error).toBe('b: unknown lb_policy');
    expect(names(await updates.next())).toEqual(['a', 'b']);
    fixture.stop();
    expect(await statuses.next()).toBe('connected');
    expect(await statuses.next()).toBe('disconnected');
    const port = Number(fixture.address.split(':')[1]);
    fixture = await startAds(() => snapshot('2', current), { port });
    expect(names(await updates.next())).toEqual(['b']);
  });

  it('refuses only the resource that it cannot read', async () => {
    const broken: EncodedResource = { ...cluster('broken'), bytes: Uint8Array.from([255, 255, 255]) };
    current = [cluster('a'), broken];
    start().subscribe(typeUrls.cluster, '*');
    const refused = await fixture.event(({ state }) => state === 'nacked');
    expect(refused.error).toMatch(/^broken: envoy\.config\.cluster\.v3\.Cluster: /);
    expect(names(await updates.next())).toEqual(['a']);
  });

  it('takes neither of two resources under one name, and counts what it refuses', () => {
    const item = (name: string) => ({
      name,
      version: '1',
      resource: { typeUrl: typeUrls.cluster, value: cluster(name).bytes },
    });
    const response = {
      typeUrl: typeUrls.cluster,
      systemVersionInfo: '1',
      nonce: '1',
      resources: [item('a'), item('b'), item('a')],
      removedResources: [],
    };
    const { update, rejections } = readResponse(response, newSubscription(typeUrls.cluster, '*'));
    expect(names(update)).toEqual(['b']);
    expect(rejections).toEqual([{ name: 'a', message: 'duplicate name a found among added/updated resources' }]);
    expect(update.unreadable).toEqual(rejections);
  });

  it('gives up a connection on which nothing comes any more, and says that it is lost', async () => {
    const relay = await startRelay(Number(fixture.address.split(':')[1]));
    start(undefined, { address: relay.address, keepAlive: { everyMs: 50, answerMs: 100 } }).subscribe(
      typeUrls.cluster,
      '*',
    );
    await fixture.event(({ state }) => state === 'acked');
    expect(await statuses.next()).toBe('connected');
    relay.halt();
    expect(await statuses.next()).toBe('disconnected');
    relay.resume();
    let status = await statuses.next();
    while (status !== 'connected') status = await statuses.next();
    relay.stop();
  });

  it('refuses an update whose taker throws, and says so', async () => {
    const errors: Error[] = [];
    const fail = (): never => {
      throw new Error('route table is upside down');
    };
    start(fail, { onError: (error) => errors.push(error) }).subscribe(typeUrls.route, ['80']);
    expect((await fixture.event(({ state }) => state === 'nacked')).error).toBe('80: route table is upside down');
    expect(errors).toHaveLength(1);
  });

  it('hears of removed resources', async () => {
    start().subscribe(typeUrls.cluster, '*');
    await fixture.event(({ state }) => state === 'acked');
    await updates.next();
    fixture.ads.setSnapshot(fixture.events[0]?.nodeId ?? '', snapshot('2', [cluster('b')]));
    expect(await updates.next()).toMatchObject({ upserted: [], removed: ['a'], versionInfo: '2' });
  });

  it('replaces its names: what it gave up no longer comes', async () => {
    const client = start();
    client.subscribe(typeUrls.route, ['80']);
    expect(names(await updates.next())).toEqual(['80']);
    client.subscribe(typeUrls.route, ['9080']);
    expect(names(await updates.next())).toEqual(['9080']);
    await fixture.event(({ state, resources }) => state === 'acked' && resources[0] === '9080');
    const nodeId = fixture.events[0]?.nodeId ?? '';
    fixture.ads.setSnapshot(nodeId, snapshot('2', [routes('80', 'new'), routes('9080', 'new')]));
    expect(names(await updates.next())).toEqual(['9080']);
  });

  it('reconnects after the server was away and receives only what changed meanwhile', async () => {
    start().subscribe(typeUrls.cluster, '*');
    expect(names(await updates.next())).toEqual(['a', 'b']);
    await fixture.event(({ state }) => state === 'acked');
    const port = Number(fixture.address.split(':')[1]);
    fixture.stop();
    expect(await statuses.next()).toBe('connected');
    // More than one failed attempt, so that the wait grows.
    for (let attempt = 0; attempt < 4; attempt++) expect(await statuses.next()).toBe('disconnected');
    current = [cluster('a'), cluster('b', '5s'), cluster('c')];
    fixture = await startAds(() => snapshot('2', current), { port });
    expect(names(await updates.next())).toEqual(['b', 'c']);
    clock.delaysMs.slice(0, 4).forEach((delayMs, failed) => {
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThan(Math.min(2000, 500 * 2 ** failed));
    });
  });

  it('has one connection to a server that is back, however often it tried meanwhile', async () => {
    start().subscribe(typeUrls.cluster, '*');
    await fixture.event(({ state }) => state === 'acked');
    const port = Number(fixture.address.split(':')[1]);
    fixture.stop();
    expect(await statuses.next()).toBe('connected');
    for (let attempt = 0; attempt < 8; attempt++) expect(await statuses.next()).toBe('disconnected');
    const taken: Socket[] = [];
    const server = createServer((socket) => void taken.push(socket.on('error', () => undefined))).listen(
      port,
      '127.0.0.1',
    );
    await once(server, 'connection');
    // Longer than gRPC waits between two attempts of a channel.
    const second = once(server, 'connection', { signal: AbortSignal.timeout(1500) });
    await expect(second).rejects.toThrow('aborted');
    for (const socket of taken) socket.destroy();
    server.close();
    expect(taken.length).toBe(1);
  });

  it('is silent after it was stopped', async () => {
    const client = start();
    client.subscribe(typeUrls.cluster, '*');
    await fixture.event(({ state }) => state === 'acked');
    client.stop();
    while (fixture.ads.connected().length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(statuses.waiting).toEqual(['connected']);
  });

  it('syncs twelve proxies of one process, each over a connection of its own', async () => {
    const proxies = Array.from({ length: 12 }, (_, index) =>
      createAdsClient({
        address: fixture.address,
        node: node(`n${index}`),
        clock,
        random: seededRandom(index),
        onUpdate: () => [],
      }),
    );
    running.push(...proxies);
    for (const proxy of proxies) {
      proxy.start();
      proxy.subscribe(typeUrls.cluster, '*');
      proxy.subscribe(typeUrls.route, ['80', '9080']);
    }
    for (let index = 0; index < 12; index++) {
      await fixture.event(
        (one) => one.nodeId === `n${index}` && one.state === 'acked' && one.typeUrl === typeUrls.route,
      );
    }
    expect(fixture.ads.connected()).toHaveLength(12);
  });
});
