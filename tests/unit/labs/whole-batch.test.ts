import { beforeEach, describe, expect, it } from 'vitest';
import { judgeBatch } from '../../../server/labs/probes/outcomes.ts';
import { createFakeSandbox, type FakeSandbox } from '../../support/fake-sandbox.ts';
import { hop } from './support.ts';

let sandbox: FakeSandbox;
beforeEach(() => {
  sandbox = createFakeSandbox();
});

type Spec = Parameters<typeof judgeBatch>[0];
type Left = Partial<Parameters<typeof judgeBatch>[2]>;

const sent = (traceId: string, tookMs = 10) => ({ traceId, status: 200, headers: {}, tookMs });
const judge = (spec: object, requests: readonly ReturnType<typeof sent>[], left: Left = {}) =>
  judgeBatch({ traffic: 't', requests: 1, expect: [], ...spec } as Spec, requests, {
    hops: sandbox.hops,
    moved: [],
    ...left,
  });
/** A call of trace `traceId` that pod `pod` of cart served. */
const served = (traceId: string, pod: string): void => {
  const { proxy, ...rest } = hop({ traceId, spanId: `${traceId}-in`, direction: 'inbound', service: 'cart' });
  sandbox.hops.record({ ...rest, proxy: { ...proxy, pod } });
};
const earlier = (requests: readonly ReturnType<typeof sent>[], lastedMs = 0) =>
  new Map([['before', { sent: requests, lastedMs, endedMs: 0 }]]);

describe('a whole batch', () => {
  it('is judged by how many pods it reaches', () => {
    served('a', 'cart-1');
    served('b', 'cart-2');
    const requests = [sent('a'), sent('b')];
    expect(judge({ pods: [{ to: 'cart', min: 2, max: 2 }] }, requests).met).toBe(true);
    expect(judge({ pods: [{ to: 'cart', max: 1 }] }, requests)).toMatchObject({
      met: false,
      seen: '2 pods of cart were reached.',
    });
  });

  it('is judged by how many requests reach another pod than before', () => {
    for (const [trace, pod] of Object.entries({ a: 'cart-1', b: 'cart-2', c: 'cart-1', d: 'cart-3' }))
      served(trace, pod);
    const wanted = { moved: { to: 'cart', since: 'before', min: 1, max: 1 } };
    expect(judge(wanted, [sent('c'), sent('d')], { earlier: earlier([sent('a'), sent('b')]) })).toMatchObject({
      met: true,
      seen: '1 of 2 moved to another pod of cart.',
    });
  });

  it('allows more lines of one kind for each line of another, since a slow machine gives it more turns', () => {
    const chosen = { namespace: 'default', labels: {} };
    const lines = [
      { ...chosen, line: 'call', named: 'calls', max: 20, more: { named: 'trials', each: 3 } },
      { ...chosen, line: 'HALF_OPEN', named: 'trials' },
    ];
    const times = (count: number) => ({ times: Array.from({ length: count }, (_, i) => i), byPod: new Map() });
    const judged = (calls: number, trials: number) => judge({ lines }, [], { lines: [times(calls), times(trials)] });
    expect([judged(20, 0), judged(26, 2), judged(27, 2)].map(({ met }) => met)).toEqual([true, true, false]);
    expect(judged(27, 2).seen).toBe('27 × calls.');
  });

  it('is judged by its length beside an earlier one', () => {
    const wanted = { lasts: { against: 'before', maxPercent: 50 } };
    expect(judge(wanted, [sent('a')], { lastedMs: 400, earlier: earlier([], 1000) }).met).toBe(true);
    expect(judge(wanted, [sent('a')], { lastedMs: 600, earlier: earlier([], 1000) })).toMatchObject({
      met: false,
      seen: 'all answers took 0.6 s; 1.0 s before.',
    });
  });

  it('compares the fastest tenth with that of an earlier one', () => {
    const fast = [1, 1, 1, 1, 1, 1, 1, 1, 1, 900].map((ms, i) => sent(`f${i}`, ms));
    const slow = [3, 3, 3, 3, 3, 3, 3, 3, 3, 3].map((ms, i) => sent(`s${i}`, ms));
    const wanted = { slower: { than: 'before' } };
    expect(judge(wanted, slow, { earlier: earlier(fast) }).met).toBe(true);
    expect(judge(wanted, fast, { earlier: earlier(slow) }).met).toBe(false);
    const quicker = (maxPercent: number) => ({ quicker: { than: 'before', maxPercent } });
    expect(judge(quicker(34), fast, { earlier: earlier(slow) }).met).toBe(true);
    expect(judge(quicker(33), fast, { earlier: earlier(slow) }).met).toBe(false);
    expect(judge({ quantiles: true }, slow).seen).toBe(
      'median 3.00 ms, p99 3.00 ms, the fastest tenth within 3.00 ms.',
    );
  });

  it('is judged by the hops of each trace, and by other traces that began meanwhile', () => {
    served('a', 'cart-1');
    expect(judge({ expect: [{ spans: { min: 1, max: 1 }, min: 1 }] }, [sent('a')]).met).toBe(true);
    expect(judge({ expect: [{ spans: { min: 2 }, min: 1 }] }, [sent('a')]).met).toBe(false);
    const traces = new Map([
      ['a', 2],
      ['x', 2],
      ['y', 4],
    ]);
    expect(judge({ otherTraces: { spans: 2, min: 1, max: 1 } }, [sent('a')], { traces }).met).toBe(true);
  });

  it('is judged by log lines, their pods and how they spread in time', () => {
    const lines = [
      {
        times: [0, 10, 20, 500],
        byPod: new Map([
          ['echo-1', 0],
          ['echo-2', 4],
        ]),
      },
    ];
    const line = { namespace: 'default', labels: {}, line: 'GET', named: 'requests' };
    const seen = (more: object) => judge({ lines: [{ ...line, ...more }] }, [sent('a')], { lines });
    expect(seen({ min: 4, max: 4 }).met).toBe(true);
    expect(seen({ max: 3 }).seen).toBe('4 × requests.');
    expect(seen({ perPod: [{ max: 0 }, { min: 4 }] }).met).toBe(true);
    expect(seen({ perPod: [{ min: 1 }, { min: 1 }] })).toMatchObject({ met: false, seen: 'requests by pod: 0, 4.' });
    expect(seen({ spread: { slotMs: 100, maxPercent: 80 } }).met).toBe(true);
    expect(seen({ spread: { slotMs: 100, maxPercent: 50 } })).toMatchObject({
      met: false,
      seen: '75 % of requests within 100 ms.',
    });
  });
});
