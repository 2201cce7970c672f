import { connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressPlan, podPool } from '../../../server/sandbox/network/addresses.ts';
import { createCaptureTable } from '../../../server/sandbox/network/capture-table.ts';
import { hostPort } from '../../../server/sandbox/network/host-ports.ts';
import { createNetwork, type Network } from '../../../server/sandbox/network/network.ts';
import { systemClock } from '../../../server/system.ts';
import { destinationOf } from '../../../server/workloads/net/destination.ts';
import { manualClock } from '../workloads/support.ts';
import { changeId, newStore, service } from './support.ts';

const plan = addressPlan(219);

describe('addresses', () => {
  it('keep nodes, pods, hidden applications and Services apart', () => {
    expect([plan.node, plan.podIp(0), plan.podIp(254), plan.serviceIp(0)]).toEqual([
      '127.219.0.1',
      '127.219.1.1',
      '127.219.2.1',
      '127.219.128.1',
    ]);
    expect(plan.hiddenIp('127.219.1.7')).toBe('127.219.65.7');
    expect([plan.isServiceIp('127.219.128.1'), plan.isServiceIp('127.219.1.1'), plan.contains('127.8.1.1')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('come back only after the others were used', () => {
    const pool = podPool(plan);
    const first = pool.next();
    pool.release(first);
    expect(pool.next()).not.toBe(first);
    expect([pool.take(first), pool.take(first)]).toEqual([true, false]);
  });
});

describe('the capture table', () => {
  const source = { ip: '127.9.1.4', port: 40000 };
  const original = { ip: '127.9.128.1', port: 80 };

  it('answers at once what was recorded, and forgets', async () => {
    const table = createCaptureTable(manualClock());
    table.record(source, original);
    expect(await table.lookup(source, 100)).toEqual(original);
  });

  it('waits for a record that comes after the connection', async () => {
    const table = createCaptureTable(manualClock());
    const found = table.lookup(source, 100);
    table.record(source, original);
    expect(await found).toEqual(original);
  });

  it('answers undefined when nobody redirected the connection', async () => {
    const clock = manualClock();
    const table = createCaptureTable(clock);
    const found = table.lookup(source, 100);
    clock.advance(100);
    expect(await found).toBeUndefined();
  });
});

describe('the network', () => {
  let store: KubeStore;
  let network: Network;
  const servers: ReturnType<typeof createServer>[] = [];

  beforeEach(() => {
    store = newStore().store;
    network = createNetwork({ plan, store, clock: systemClock(), random: seededRandom('net') });
    store.apply(service('cart', { clusterIP: plan.serviceIp(4) }), { changeId });
    store.apply(
      { ...service('legacy', { type: 'ExternalName', externalName: 'cart.default.svc.cluster.local', ports: [] }) },
      { changeId },
    );
  });
  afterEach(() => {
    network.stop();
    for (const server of servers.splice(0)) server.close();
  });

  const listen = async (host: string, port: number, onSocket: (socket: Socket) => void): Promise<void> => {
    const server = createServer(onSocket);
    servers.push(server);
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  };
  const endpoints = (...addresses: string[]): void => {
    store.apply(
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'cart-1', namespace: 'default', labels: { 'kubernetes.io/service-name': 'cart' } },
        addressType: 'IPv4',
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
        ports: [{ name: 'http', port: 18080, protocol: 'TCP' }],
      },
      { changeId },
    );
  };
  const pod = (captured: boolean) => network.dialFrom({ podIp: plan.podIp(8), namespace: 'default', captured });

  it.each([
    'cart',
    'cart.default',
    'cart.default.svc',
    'cart.default.svc.cluster.local',
    'cart.default.svc.cluster.local.',
    'CART',
    'legacy',
  ])('resolves %s', (name) => {
    expect(network.resolve(name, 'default')).toBe(plan.serviceIp(4));
  });

  it('resolves a short name in the namespace of the pod only', () => {
    expect(network.resolve('cart', 'shop')).toBeUndefined();
    expect(network.resolve('cart.default', 'shop')).toBe(plan.serviceIp(4));
    expect(network.resolve('example.com', 'default')).toBeUndefined();
  });

  it('resolves a host outside to the pod that stands for it, from any namespace', () => {
    const metadata = {
      name: 'card',
      namespace: 'default',
      annotations: { 'meshwork.dev/outside-host': 'api.card.example' },
    };
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    store.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec }, { changeId });
    store.updateStatus('Pod', metadata, { podIP: plan.podIp(12) }, { changeId });
    expect(network.resolve('api.card.example', 'shop')).toBe(plan.podIp(12));
    expect(network.resolve('API.card.example.', 'default')).toBe(plan.podIp(12));
    expect(network.resolve('card.example', 'default')).toBeUndefined();
  });

  it('sends an uncaptured pod to a ready pod behind the Service, from its own address', async () => {
    let from: string | undefined;
    await listen(plan.podIp(9), 18080, (socket) => {
      from = socket.remoteAddress;
      socket.end();
    });
    endpoints(plan.podIp(9));
    const socket = await pod(false)('cart', 80);
    await new Promise((resolve) => socket.resume().once('close', resolve));
    expect(from).toBe(plan.podIp(8));
  });

  it('leads a client of a Service with affinity to the same pod again', async () => {
    store.apply(service('cart', { clusterIP: plan.serviceIp(4), sessionAffinity: 'ClientIP' }), { changeId });
    const pods = [plan.podIp(9), plan.podIp(10), plan.podIp(11)];
    for (const ip of pods) await listen(ip, 18080, (socket) => socket.end());
    endpoints(...pods);
    const call = async (client: number): Promise<string> => {
      const dial = network.dialFrom({ podIp: plan.podIp(client), namespace: 'default', captured: false });
      const socket = await dial('cart', 80);
      const reached = socket.remoteAddress ?? '';
      await new Promise((resolve) => socket.resume().once('close', resolve));
      return reached;
    };
    const reached = new Map<number, string>();
    for (let client = 20; client < 32; client++) reached.set(client, await call(client));
    for (const [client, pod] of reached) expect(await call(client)).toBe(pod);
    expect(new Set(reached.values()).size).toBeGreaterThan(1);

    const [first = ''] = [...reached.values()];
    endpoints(...pods.filter((pod) => pod !== first));
    expect(await call(20)).not.toBe(first);
  });

  it('takes any address of a headless Service, as name servers tell them in any order', async () => {
    store.apply(service('peers', { clusterIP: 'None' }), { changeId });
    const pods = [plan.podIp(9), plan.podIp(10)];
    for (const ip of pods) await listen(ip, 18080, (socket) => socket.end());
    endpoints(...pods);
    const slice = store.get('EndpointSlice', { namespace: 'default', name: 'cart-1' });
    const labels = { 'kubernetes.io/service-name': 'peers' };
    store.apply({ ...slice, metadata: { name: 'peers-1', namespace: 'default', labels } } as never, { changeId });
    const reached = new Set<string | undefined>();
    for (let calls = 0; calls < 16; calls++) {
      const socket = await pod(false)('peers', 18080);
      reached.add(socket.remoteAddress);
      await new Promise((resolve) => socket.resume().once('close', resolve));
    }
    expect([...reached].sort()).toEqual(pods.sort());
  });

  it('refuses a Service without ready pods and an address outside the sandbox', async () => {
    endpoints();
    await expect(pod(false)('cart', 80)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(pod(false)('93.184.216.34', 80)).rejects.toMatchObject({ code: 'ENETUNREACH' });
    await expect(pod(false)('127.0.0.1', 1)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await expect(pod(false)('nowhere', 80)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('tells a proxy at once that no way leads outside, and later that a Service without ready pods refuses', async () => {
    endpoints();
    const side = network.forProxy(plan.podIp(8));
    const outside = { ip: '93.184.216.34', port: 80 };
    expect(() => side.connect(outside, { toApp: false })).toThrow('connect ENETUNREACH 93.184.216.34:80');
    const socket = side.connect({ ip: plan.serviceIp(4), port: 80 }, { toApp: false });
    expect(socket.connecting).toBe(true);
    const error = await new Promise((resolve) => socket.once('error', resolve));
    expect([error, socket.connecting]).toEqual([expect.objectContaining({ code: 'ECONNREFUSED' }), false]);
  });

  it('sends a captured pod to its own proxy, which learns the original destination', async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const side = network.forProxy(plan.podIp(8));
    await listen(plan.podIp(8), 15001, (socket) => {
      side.originalDestination(socket).then(resolve);
      socket.end();
    });
    const socket = await pod(true)('cart', 80);
    expect(await promise).toEqual({ ip: plan.serviceIp(4), port: 80 });
    // To the program it leads where the name said.
    expect(destinationOf(socket)).toEqual({ ip: plan.serviceIp(4), port: 80 });
    socket.destroy();
  });

  it('lets the proxy reach the hidden application, and other pods from the pod’s own address', async () => {
    const seen: (string | undefined)[] = [];
    const note = (socket: Socket): void => {
      seen.push(socket.remoteAddress);
      socket.end();
    };
    await listen(plan.hiddenIp(plan.podIp(8)), 18080, note);
    await listen(plan.podIp(9), 18080, note);
    const side = network.forProxy(plan.podIp(8));
    for (const [ip, toApp] of [
      [plan.podIp(8), true],
      [plan.podIp(9), false],
    ] as const) {
      const socket = side.connect({ ip, port: 18080 }, { toApp });
      await new Promise((resolve, reject) => socket.resume().once('error', reject).once('close', resolve));
    }
    expect(seen).toEqual(['127.0.0.6', plan.podIp(8)]);
  });

  it('opens the address of a Service for a program that knows nothing of this network, and leads it to a ready pod', async () => {
    let from: string | undefined;
    await listen(plan.podIp(9), 18080, (socket) => {
      from = socket.remoteAddress;
      socket.end();
    });
    endpoints(plan.podIp(9));
    const cart = { ip: plan.serviceIp(4), port: 80 };
    const dial = async (): Promise<boolean> => {
      const socket = connect({ host: cart.ip, port: hostPort(cart.port), localAddress: plan.podIp(8) });
      return new Promise((resolve) =>
        socket
          .resume()
          .on('error', () => undefined)
          .once('close', resolve),
      );
    };
    const side = network.forProxy(plan.podIp(8));
    await Promise.all([side.reach?.(cart), side.reach?.(cart)]);
    expect([await dial(), from]).toEqual([false, plan.podIp(8)]);
    endpoints();
    expect(await dial()).toBe(true);
    // A door of an address that is no Service's any more does not lead to itself.
    store.delete('Service', { namespace: 'default', name: 'cart' }, { changeId });
    expect(await dial()).toBe(true);
  });

  it('knows no names outside the cluster', async () => {
    await expect(network.dialFromOutside('cart', 80)).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });
});
