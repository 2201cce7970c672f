import { describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { systemClock } from '../../../server/system.ts';
import { Breaker, CallNotPermitted } from '../../../server/workloads/library/breaker.ts';
import { type Call, type Outcome, stack } from '../../../server/workloads/library/call.ts';
import { layersOf } from '../../../server/workloads/library/layers.ts';
import { readSettings } from '../../../server/workloads/library/settings.ts';
import { manualClock } from './support.ts';

const settings = (more: string) =>
  readSettings(`callees:\n  - { name: inventory, url: "http://inventory:8080", ${more} }`, 'POLICY');

/** How many calls reach a callee that always fails, for one request. */
async function callsOf(more: string): Promise<number> {
  const clock = systemClock();
  let calls = 0;
  const context = {
    clock,
    log: () => undefined,
    signal: new AbortController().signal,
    fetch: async () => {
      calls += 1;
      return { status: 503, headers: {}, body: Buffer.from('') };
    },
  } as unknown as Call['context'];
  const [callee] = settings(more).callees;
  if (!callee) throw new Error('no callee');
  const sources = { clock, random: seededRandom('x'), log: () => undefined, breakers: new Map<string, Breaker>() };
  const call: Call = {
    context,
    callee: 'inventory',
    url: 'http://inventory:8080/',
    method: 'GET',
    headers: {},
    passTimeLeft: false,
    deadline: Number.POSITIVE_INFINITY,
  };
  const outcome: Outcome = await stack(layersOf(callee, sources))(call);
  expect(outcome.status).toBe(503);
  return calls;
}

describe('a service with a library', () => {
  it.each([
    ['resilience4j: { retry: { maxAttempts: 3, waitDuration: 1ms } }', 3],
    ['polly: { Retry: { MaxRetryAttempts: 3, Delay: 1ms } }', 4],
    ['tower: { layers: [{ retry: { retries: 3 } }] }', 4],
    ['tower: { layers: [{ retry: { retries: 3, budget: { retryPercent: 0, minPerSec: 0 } } }] }', 1],
    ['idempotencyKey: true', 1],
  ])('makes of %s %i calls', async (more, calls) => {
    expect(await callsOf(more)).toBe(calls);
  });

  it('names file and field of a setting that cannot be used', () => {
    expect(() => settings('tower: { layers: [{ timeout: soon }] }')).toThrow(/^POLICY: callees\.0\.tower/);
    expect(() => settings('resilience4j: { retry: { maxAttempts: 0 } }')).toThrow(/maxAttempts/);
    expect(() => settings('polly: { Retries: 3 }')).toThrow(/POLICY: callees\.0\.polly/);
  });
});

describe('the circuit breaker', () => {
  it('opens at its rate, waits, tries, and closes or opens by the trials', () => {
    const clock = manualClock();
    const states: string[] = [];
    const breaker = new Breaker('b', {
      settings: {
        slidingWindowSize: 4,
        minimumNumberOfCalls: 4,
        failureRateThreshold: 50,
        waitDurationInOpenState: 1000,
        permittedNumberOfCallsInHalfOpenState: 2,
      },
      clock,
      onChange: (text) => states.push(text.replace(/.* from /, '')),
    });
    const call = (failed: boolean): void => {
      breaker.acquire();
      breaker.done(failed);
    };
    for (const failed of [true, false, true, false]) call(failed);
    expect(() => breaker.acquire()).toThrow(CallNotPermitted);
    clock.advance(1000);
    call(true);
    call(true);
    expect(() => breaker.acquire()).toThrow(CallNotPermitted);
    clock.advance(1000);
    call(false);
    call(false);
    call(true);
    expect(states).toEqual([
      'CLOSED to OPEN',
      'OPEN to HALF_OPEN',
      'HALF_OPEN to OPEN',
      'OPEN to HALF_OPEN',
      'HALF_OPEN to CLOSED',
    ]);
  });

  it('lets no more calls through than trials while it is half open', () => {
    const clock = manualClock();
    const breaker = new Breaker('b', {
      settings: {
        slidingWindowSize: 1,
        minimumNumberOfCalls: 1,
        failureRateThreshold: 50,
        waitDurationInOpenState: 10,
        permittedNumberOfCallsInHalfOpenState: 1,
      },
      clock,
      onChange: () => undefined,
    });
    breaker.acquire();
    breaker.done(true);
    clock.advance(10);
    breaker.acquire();
    expect(() => breaker.acquire()).toThrow(CallNotPermitted);
  });
});
