import { beforeEach, describe, expect, it } from 'vitest';
import { type ProxyNode, type PushEvent, type PushState, type TypeUrl, typeUrls, type XdsSnapshot } from '#xds';
import { createPushQueue, type PushQueue } from '../../../server/control-plane/push/index.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

const node = (id: string): ProxyNode => ({ id, cluster: '', metadata: {} });

describe('push queue', () => {
  let clock: ManualClock;
  let queue: PushQueue;
  let nodes: ProxyNode[];
  /** Responses that have no answer yet, by proxy. */
  let outstanding: Map<string, PushEvent[]>;
  let builds: [string, string[]][];
  let begins: string[][];
  let errors: [string, string | undefined][];
  let snapshots: Map<string, XdsSnapshot>;
  let failing: string | undefined;
  /** Types that the next snapshots change, by proxy. */
  let affected: Map<string, TypeUrl[]>;
  let pushes: number;

  function emit(nodeId: string, typeUrl: TypeUrl, state: PushState, snapshot: XdsSnapshot, error?: string): PushEvent {
    const { versionInfo, changeId } = snapshot;
    const nonce = `${versionInfo}-${typeUrl}`;
    const event = { nodeId, typeUrl, versionInfo, changeId, nonce, state, atMs: clock.now(), bytes: 100 };
    const full: PushEvent = { ...event, resources: ['x'], removed: [], ...(error !== undefined && { error }) };
    queue.note(full);
    return full;
  }

  beforeEach(() => {
    clock = manualClock();
    nodes = [node('n1'), node('n2')];
    outstanding = new Map();
    builds = [];
    begins = [];
    errors = [];
    snapshots = new Map();
    failing = undefined;
    affected = new Map([['n1', [typeUrls.route]]]);
    pushes = 0;
    queue = createPushQueue({
      clock,
      ads: {
        connected: () => nodes,
        node: (nodeId) => nodes.find(({ id }) => id === nodeId),
        isIdle: (nodeId) => (outstanding.get(nodeId) ?? []).length === 0,
        setSnapshot(nodeId, snapshot) {
          snapshots.set(nodeId, snapshot);
          const sent = (affected.get(nodeId) ?? []).map((typeUrl) => emit(nodeId, typeUrl, 'sent', snapshot));
          outstanding.set(nodeId, [...(outstanding.get(nodeId) ?? []), ...sent]);
        },
      },
      onBegin: (changeIds) => begins.push([...changeIds]),
      build({ id }, changeIds) {
        if (id === failing) throw new Error('cannot build');
        builds.push([id, [...changeIds]]);
        pushes += 1;
        return { versionInfo: `v${pushes}`, changeId: changeIds.at(-1) ?? '', resources: new Map() };
      },
      onError: (cause, nodeId) => errors.push([String(cause), nodeId]),
      debounce: { quietMs: 10, maxMs: 50 },
    });
  });

  /** The proxy answers all it was sent. */
  function answer(nodeId: string, error?: string): void {
    const events = outstanding.get(nodeId) ?? [];
    outstanding.set(nodeId, []);
    for (const { typeUrl, versionInfo, changeId } of events) {
      const snapshot = { versionInfo, changeId, resources: new Map() };
      emit(nodeId, typeUrl, error === undefined ? 'acked' : 'nacked', snapshot, error);
    }
  }

  it('waits for quiet and then pushes all changes as one', () => {
    queue.request('c1');
    clock.advance(9);
    queue.request('c2');
    clock.advance(9);
    expect(builds).toEqual([]);
    clock.advance(1);
    expect(begins).toEqual([['c1', 'c2']]);
    expect(builds).toEqual([
      ['n1', ['c1', 'c2']],
      ['n2', ['c1', 'c2']],
    ]);
  });

  it('does not wait longer than its limit when changes keep coming', () => {
    for (let step = 0; step < 10; step++) {
      queue.request(`c${step}`);
      clock.advance(5);
    }
    expect(begins).toHaveLength(1);
  });

  it('waits as long as the most patient change wants, and holds others back with it', () => {
    queue.request('c1');
    queue.request('c2', clock.now(), { quietMs: 30, maxMs: 60 });
    clock.advance(29);
    expect(begins).toEqual([]);
    queue.request('c3');
    clock.advance(9);
    expect(begins).toEqual([]);
    clock.advance(1);
    expect(begins).toEqual([['c1', 'c2', 'c3']]);
  });

  it('pushes at once when it is told that a change is complete, and once', () => {
    queue.flush();
    expect(begins).toEqual([]);
    queue.request('c1', clock.now(), { quietMs: 30, maxMs: 60 });
    queue.flush();
    expect(begins).toEqual([['c1']]);
    clock.advance(100);
    expect(begins).toEqual([['c1']]);
  });

  it('tells when every proxy that a change concerns has accepted it', async () => {
    queue.request('c1', clock.now() - 3);
    clock.advance(10);
    clock.advance(4);
    const settled = queue.settled('c1', 1000);
    answer('n1');
    const summary = await settled;
    expect(summary).toMatchObject({ changeId: 'c1', versionInfo: 'v1', effectiveMs: 17 });
    expect(summary.proxies).toEqual([
      { nodeId: 'n1', sentMs: 1_000_010, settledMs: 1_000_014, types: ['RDS'], bytes: 100 },
    ]);
  });

  it('tells that the proxies asked about have answered all that was stored, whatever others do', async () => {
    affected.set('n2', [typeUrls.cluster]);
    expect(await queue.answered(() => true, 1000)).toBe(true);
    queue.request('c1');
    const own = queue.answered((nodeId) => nodeId === 'n1', 1000);
    const everybody = queue.answered(() => true, 1000);
    clock.advance(10);
    // What is stored after the question is no part of it.
    queue.request('c2');
    answer('n1');
    expect(await own).toBe(true);
    clock.advance(1000);
    expect(await everybody).toBe(false);
  });

  it('does not wait for a proxy that nobody waits for, and leaves its answer open', async () => {
    affected.set('n2', [typeUrls.route]);
    queue.request('c1');
    const settled = queue.settled('c1', 1000, (nodeId) => nodeId === 'n1');
    clock.advance(10);
    answer('n1');
    const summary = await settled;
    expect(summary.effectiveMs).toBeUndefined();
    expect(summary.proxies.map(({ nodeId, settledMs }) => [nodeId, settledMs])).toEqual([
      ['n1', 1_000_010],
      ['n2', undefined],
    ]);
    const everybody = queue.settled('c1', 1000);
    clock.advance(5);
    answer('n2');
    expect((await everybody).effectiveMs).toBe(15);
  });

  it('is done at once when no proxy is concerned', async () => {
    affected.clear();
    queue.request('c1');
    clock.advance(10);
    expect(await queue.settled('c1', 1000)).toMatchObject({ proxies: [], effectiveMs: 10 });
  });

  it('has no moment of effect for a change that a proxy refused, and keeps the reason', async () => {
    queue.request('c1');
    clock.advance(10);
    answer('n1', 'unsupported lb_policy');
    const summary = await queue.settled('c1', 1000);
    expect(summary.effectiveMs).toBeUndefined();
    expect(summary.proxies).toMatchObject([{ nodeId: 'n1', error: 'unsupported lb_policy' }]);
    expect(summary.proxies[0]?.settledMs).toBeUndefined();
  });

  it('says what is known when the time is up', async () => {
    queue.request('c1');
    clock.advance(10);
    const settled = queue.settled('c1', 20);
    clock.advance(20);
    const summary = await settled;
    expect(summary.effectiveMs).toBeUndefined();
    expect(summary.proxies).toMatchObject([{ nodeId: 'n1', types: ['RDS'] }]);
  });

  it('waits also for a change that has not been requested yet', async () => {
    const settled = queue.settled('c1', 1000);
    queue.request('c1');
    clock.advance(10);
    answer('n1');
    expect(await settled).toMatchObject({ changeId: 'c1', effectiveMs: 10 });
  });

  it('settles a change that a later push overtook on a slow proxy', async () => {
    queue.request('c1');
    clock.advance(10);
    queue.request('c2');
    clock.advance(10);
    const [first, second] = [queue.settled('c1', 1000), queue.settled('c2', 1000)];
    answer('n1');
    expect(await first).toMatchObject({ changeId: 'c1', effectiveMs: 20 });
    expect(await second).toMatchObject({ changeId: 'c2', effectiveMs: 10 });
  });

  it('does not wait for a proxy that has left', async () => {
    queue.request('c1');
    clock.advance(10);
    outstanding.clear();
    nodes = [node('n2')];
    queue.disconnected('n1');
    expect(await queue.settled('c1', 1000)).toMatchObject({ proxies: [], effectiveMs: 10 });
  });

  it('serves the other proxies when one cannot be built for', async () => {
    affected.set('n2', [typeUrls.cluster]);
    failing = 'n1';
    queue.request('c1');
    clock.advance(10);
    answer('n2');
    const summary = await queue.settled('c1', 1000);
    expect(errors).toEqual([['Error: cannot build', 'n1']]);
    expect(summary.effectiveMs).toBeUndefined();
    expect(summary.proxies).toMatchObject([
      { nodeId: 'n1', error: 'cannot build' },
      { nodeId: 'n2', types: ['CDS'] },
    ]);
  });

  it('shows which types are in step', () => {
    affected.set('n1', [typeUrls.cluster, typeUrls.route]);
    queue.request('c1');
    clock.advance(10);
    const typesOf = (index: number) => queue.syncStatus()[index]?.types;
    expect(typesOf(0)).toEqual({ CDS: 'STALE', LDS: 'NOT SENT', EDS: 'NOT SENT', RDS: 'STALE' });
    answer('n1');
    expect(typesOf(0)).toMatchObject({ CDS: 'SYNCED', RDS: 'SYNCED' });
    expect(typesOf(1)).toMatchObject({ CDS: 'NOT SENT' });
    queue.request('c2');
    clock.advance(10);
    answer('n1', 'no');
    expect(typesOf(0)).toMatchObject({ CDS: 'ERROR', RDS: 'ERROR' });
    queue.disconnected('n1');
    expect(typesOf(0)).toMatchObject({ CDS: 'NOT SENT' });
  });

  it('shows certificates and filter configurations of proxies that asked for them', () => {
    affected.set('n1', [typeUrls.cluster, typeUrls.extension]);
    queue.request('c1');
    clock.advance(10);
    answer('n1');
    const [first, second] = queue.syncStatus();
    expect(first?.types).toEqual({ CDS: 'SYNCED', LDS: 'NOT SENT', EDS: 'NOT SENT', RDS: 'NOT SENT', ECDS: 'SYNCED' });
    expect(Object.keys(second?.types ?? {})).not.toContain('ECDS');
  });

  it('lets others work between the builds of many proxies', () => {
    nodes = Array.from({ length: 4 }, (_, index) => node(`n${index}`));
    affected.clear();
    const slow = createPushQueue({
      clock,
      ads: {
        connected: () => nodes,
        node: (nodeId) => nodes.find(({ id }) => id === nodeId),
        isIdle: () => true,
        setSnapshot: () => undefined,
      },
      build({ id }, changeIds) {
        builds.push([id, [...changeIds]]);
        if (id === 'n0') clock.advance(6);
        return { versionInfo: 'v', changeId: 'c', resources: new Map() };
      },
      onError: () => undefined,
      debounce: { quietMs: 1, maxMs: 1 },
    });
    slow.request('c1');
    clock.advance(1);
    expect(builds).toEqual([['n0', ['c1']]]);
    slow.request('c2');
    clock.advance(1);
    expect(builds.slice(1, 4)).toEqual([
      ['n1', ['c1']],
      ['n2', ['c1']],
      ['n3', ['c1']],
    ]);
    expect(builds[4]).toEqual(['n0', ['c2']]);
  });

  it('forgets what is pending when it stops', () => {
    queue.request('c1');
    queue.stop();
    clock.advance(100);
    expect(builds).toEqual([]);
    expect(snapshots.size).toBe(0);
  });
});
