import { beforeEach, describe, expect, it } from 'vitest';
import type { FleetingHop, HopRecord } from '#domain';
import { createHopStore, type HopStore, type RequestSummary } from '#telemetry';
import { createFakeClock, type FakeClock } from '../data-plane/fake-clock.ts';
import { hop, REVIEWS_V2 } from './hops.ts';

let clock: FakeClock;
let store: HopStore;
let told: RequestSummary[];

beforeEach(() => {
  clock = createFakeClock();
  store = createHopStore({ capacity: 10, clock });
  told = [];
  store.onRequest((request) => told.push(request));
});

describe('the hop store', () => {
  it('joins what both proxies saw of a call, told once, when the caller is done', () => {
    const call = hop({ service: 'productpage', cluster: REVIEWS_V2 });
    const answer = hop({
      service: 'reviews',
      version: 'v2',
      direction: 'inbound',
      parent: call.spanId,
      peer: 'spiffe://td/ns/d/sa/p',
    });
    store.record(answer);
    expect(told).toEqual([]);
    store.record(call);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      id: call.spanId,
      source: { service: 'productpage', version: 'v1' },
      destination: { service: 'reviews', version: 'v2' },
      mtls: true,
      answeredBy: 'upstream',
    });
    clock.advance(60_000);
    expect(told).toHaveLength(1);
  });

  it('names the cluster as destination when no server proxy reports', () => {
    store.record(
      hop({ service: 'productpage', cluster: REVIEWS_V2, status: 503, flags: ['UH'], details: 'no_healthy_upstream' }),
    );
    expect(told[0]).toMatchObject({ destination: { service: 'reviews', version: 'v2' }, answeredBy: 'client-proxy' });
  });

  it('counts a call of a client without sidecar at once', () => {
    store.record(hop({ service: 'reviews', direction: 'inbound' }));
    store.record(
      hop({ service: 'reviews', direction: 'inbound', parent: 'f'.repeat(16), headers: [['accept', '*/*']] }),
    );
    expect(told.map(({ source }) => source.service)).toEqual(['unknown', 'unknown']);
  });

  it('waits for the proxy of a caller, but not for ever', () => {
    store.record(
      hop({
        service: 'reviews',
        direction: 'inbound',
        parent: 'e'.repeat(16),
        headers: [['x-envoy-attempt-count', '1']],
      }),
    );
    clock.advance(9_000);
    expect(told).toEqual([]);
    clock.advance(1_000);
    expect(told).toHaveLength(1);
  });

  it('tells nobody twice when the server finishes after the caller gave up, but learns its version', () => {
    const call = hop({
      service: 'productpage',
      status: 504,
      flags: ['UT'],
      details: 'response_timeout',
      cluster: REVIEWS_V2,
    });
    store.record(call);
    store.record(hop({ service: 'reviews', version: 'v3', direction: 'inbound', parent: call.spanId }));
    expect(told).toHaveLength(1);
    expect(store.requests(5)).toMatchObject([
      { status: 504, destination: { version: 'v3' }, answeredBy: 'client-proxy' },
    ]);
  });

  it.each([
    ['127.3.1.5:8080', '127.3.1.5'],
    ['reviews.default:9080', 'reviews'],
  ])('calls a destination that no cluster names %s by its host', (authority, service) => {
    const call = hop({ service: 'productpage', status: 503, flags: ['UF'], details: 'connection_timeout' });
    store.record({ ...call, request: { ...call.request, authority } });
    expect(store.requests(1)).toMatchObject([{ destination: { service } }]);
  });

  it("names the server's proxy when it refused the connection", () => {
    const call = hop({
      service: 'productpage',
      status: 503,
      flags: ['UC'],
      details: 'upstream_reset_before_response_started{connection_termination}',
    });
    store.record(
      hop({
        service: 'reviews',
        direction: 'inbound',
        parent: call.spanId,
        status: 0,
        flags: ['NR'],
        details: 'filter_chain_not_found',
      }),
    );
    store.record(call);
    expect(told[0]?.answeredBy).toBe('server-proxy');
  });

  it('orders a trace with callers before those they call', () => {
    const call = hop({ service: 'productpage', traceId: 'a'.repeat(32), startMs: 7 });
    const answer = hop({
      service: 'reviews',
      direction: 'inbound',
      parent: call.spanId,
      traceId: 'a'.repeat(32),
      startMs: 7,
    });
    store.record(answer);
    store.record(call);
    expect(store.trace('a'.repeat(32)).map(({ proxy }) => proxy.service)).toEqual(['productpage', 'reviews']);
    expect(store.trace('b'.repeat(32))).toEqual([]);
  });

  it('gives the newest hops that wrote a line of access log', () => {
    const lines = ['a', '', 'b', 'c', ''];
    for (const accessLog of lines) store.record({ ...hop({ service: 'a' }), accessLog });
    expect(store.logged(2).map(({ accessLog }) => accessLog)).toEqual(['b', 'c']);
    expect(store.logged(10)).toHaveLength(3);
  });

  it('keeps the newest hops only', () => {
    const hops = Array.from({ length: 25 }, (_, i) => hop({ service: `s${i}`, traceId: `${i}`.padStart(32, '0') }));
    for (const each of hops) store.record(each);
    expect(store.hop(hops[0]!.spanId)).toBeUndefined();
    expect(store.trace('0'.repeat(32))).toEqual([]);
    expect(store.requests(100)).toHaveLength(10);
    expect(store.requests(1)[0]?.source.service).toBe('s24');
  });

  it('keeps the steps of the newest recorded hops only', () => {
    store = createHopStore({ capacity: 10, detailed: 2, clock });
    const steps = [{ stage: 'route', outcome: 'chosen', name: 'default', atMs: 0 }] as const;
    const headers = [['accept', '*/*']] as const;
    const hops = Array.from({ length: 3 }, (_, i) => hop({ service: `s${i}`, steps, headers }));
    for (const each of hops) store.record(each);
    store.record(hop({ service: 'not recorded' }));
    expect(hops.map(({ spanId }) => store.hop(spanId)?.steps.length)).toEqual([0, 1, 1]);
    expect(hops.map(({ spanId }) => store.hop(spanId)?.request.headers.length)).toEqual([0, 1, 1]);
    expect(store.hop(hops[0]!.spanId)).toMatchObject({ proxy: { service: 's0' }, request: { path: '/reviews/0' } });
  });

  it('joins the calls of a client that sends one trace for ever, also when the first of them are forgotten', () => {
    for (let i = 0; i < 25; i++) {
      const call = hop({ service: 'productpage', cluster: REVIEWS_V2 });
      store.record(hop({ service: 'reviews', version: 'v2', direction: 'inbound', parent: call.spanId }));
      store.record(call);
    }
    clock.advance(60_000);
    expect(told).toHaveLength(25);
    expect(told.every(({ destination }) => destination.service === 'reviews')).toBe(true);
    expect(store.trace('t'.repeat(32))).toHaveLength(10);
  });

  it('rates edges over a window', () => {
    for (const [i, status] of [200, 200, 503, 200].entries()) {
      store.record(
        hop({
          service: 'a',
          cluster: REVIEWS_V2,
          status,
          flags: status === 503 ? ['UC'] : [],
          startMs: i * 1000,
          durationMs: i === 3 ? 900 : 10 * (i + 1),
        }),
      );
    }
    expect(store.edges(60_000, 5000)).toEqual([
      {
        source: 'a',
        sourceVersion: 'v1',
        destination: 'reviews',
        destinationVersion: 'v2',
        requests: 4,
        errors: 1,
        slow: 1,
        mtls: false,
        p50: 20,
        p90: 900,
        p99: 900,
        flags: { UC: 1 },
      },
    ]);
    expect(store.edges(1500, 4000)[0]?.requests).toBe(1);
  });

  it('counts a request of a busy proxy for all that it stands for', () => {
    store.record({ ...hop({ service: 'a', cluster: REVIEWS_V2, startMs: 0, durationMs: 10 }), standsFor: 16 });
    store.record(hop({ service: 'a', cluster: REVIEWS_V2, status: 503, flags: ['UC'], startMs: 0, durationMs: 10 }));
    expect(store.edges(60_000, 1000)[0]).toMatchObject({ requests: 17, errors: 1, flags: { UC: 1 } });
  });
});

describe('hops of which no record is made at once', () => {
  const held = (path: string, record: HopRecord): FleetingHop => ({
    requestId: path,
    isOf: (traceId) => traceId === record.traceId,
    record: () => record,
  });
  const fleeting = (requestId: string, fields: { parent?: string; direction?: 'inbound' } = {}) =>
    hop({ service: 'reviews', requestId, traceId: requestId.padEnd(32, '-'), ...fields });

  it('are wanted while somebody hears of requests', () => {
    const alone = createHopStore({ capacity: 10, clock });
    expect([alone.wanted, store.wanted]).toEqual([false, true]);
    const end = alone.onRequest(() => undefined);
    expect(alone.wanted).toBe(true);
    end();
    expect(alone.wanted).toBe(false);
  });

  it('become records when their trace is asked for', () => {
    const recorded: HopRecord[] = [];
    store.onRecord((one) => recorded.push(one));
    const [a, b] = [fleeting('a'), fleeting('b')];
    store.hold(held('a', a));
    store.hold(held('b', b));
    expect([told, store.requests(10), store.hop(a.spanId)]).toEqual([[], [], undefined]);
    expect(store.trace(b.traceId).map(({ spanId }) => spanId)).toEqual([b.spanId]);
    expect(store.trace(b.traceId)).toHaveLength(1);
    expect(told.map(({ id }) => id)).toEqual([b.spanId]);
    expect(recorded).toEqual([b]);
  });

  it('become records with another hop of their request, whichever comes first', () => {
    const server = fleeting('a', { direction: 'inbound' });
    store.hold(held('other', fleeting('other')));
    store.hold(held('a', server));
    const call = hop({ service: 'productpage', requestId: 'a', traceId: server.traceId, status: 504, flags: ['UT'] });
    store.record(call);
    expect(
      store
        .trace(server.traceId)
        .map(({ spanId }) => spanId)
        .sort(),
    ).toEqual([server.spanId, call.spanId].sort());
    const late = fleeting('a', { direction: 'inbound' });
    store.hold(held('a', late));
    expect(store.hop(late.spanId)?.spanId).toBe(late.spanId);
    expect(store.trace('other'.padEnd(32, '-'))).toHaveLength(1);
  });

  it('are forgotten when 32 newer ones have come', () => {
    const many = createHopStore({ capacity: 100, clock });
    const all = Array.from({ length: 70 }, (_, i) => fleeting(`r${i}`));
    for (const one of all) many.hold(held(one.requestId, one));
    const found = all.map(({ traceId }) => many.trace(traceId).length);
    expect(found).toEqual([...Array(38).fill(0), ...Array(32).fill(1)]);
    many.clear();
    many.hold(held('a', fleeting('a')));
    many.clear();
    expect(many.trace('a'.padEnd(32, '-'))).toEqual([]);
  });
});
