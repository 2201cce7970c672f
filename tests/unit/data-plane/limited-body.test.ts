import { describe, expect, it } from 'vitest';
import { LimitedBody } from '../../../server/data-plane/http/filters/limited-body.ts';
import { TokenBucket } from '../../../server/data-plane/http/filters/rate-limit/token-bucket.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { manualClock } from '../../support/manual-clock.ts';

/** 1,000 bytes a second, looked at every 50 ms. */
function begin({ endsWithBytes = false, slow = false } = {}) {
  const clock = manualClock();
  const bucket = new TokenBucket({ maxTokens: 1000, tokensPerFill: 1000, fillIntervalMs: 1000 }, clock);
  const sent: number[] = [];
  const told: string[] = [];
  const state = { slow, ended: undefined as Headers | undefined | 'no trailers' };
  const out = {
    data(chunk: Buffer) {
      sent.push(chunk.length);
      return !state.slow;
    },
    end(trailers: Headers | undefined) {
      state.ended = trailers ?? 'no trailers';
    },
    drain: () => void told.push('drain'),
  };
  const events = {
    began: () => void told.push('began'),
    came: (bytes: number) => void told.push(`came ${bytes}`),
    went: (bytes: number, held: boolean) => void told.push(`went ${bytes}${held ? ', rest held' : ''}`),
    finished(trailers: Headers | undefined) {
      told.push('finished');
      return trailers;
    },
    brokenOff: () => void told.push('broken off'),
  };
  const body = new LimitedBody(out, { bucket, fillIntervalMs: 50, clock, events, endsWithBytes });
  return { body, clock, sent, told, state };
}

describe('a body that is limited', () => {
  it('leaves at once as far as there are tokens, and the rest as they come back', () => {
    const { body, clock, sent, told, state } = begin();
    body.data(Buffer.alloc(1120));
    body.end(undefined);
    expect(sent).toEqual([]);
    clock.advance(0);
    expect(sent).toEqual([1000]);
    clock.advance(50);
    expect(sent).toEqual([1000, 50]);
    expect(state.ended).toBeUndefined();
    clock.advance(100);
    expect(sent).toEqual([1000, 50, 50, 20]);
    expect(state.ended).toBe('no trailers');
    expect(told).toEqual([
      ...['began', 'came 1120', 'came 0', 'went 1000, rest held', 'went 50, rest held'],
      ...['went 50, rest held', 'went 20', 'finished'],
    ]);
  });

  it('keeps its trailers until all bytes have gone', () => {
    const { body, clock, told, state } = begin();
    body.data(Buffer.alloc(1010));
    const trailers = Headers.of({ 'x-end': 'here' });
    body.end(trailers);
    clock.advance(0);
    expect(state.ended).toBeUndefined();
    clock.advance(50);
    expect(state.ended).toBe(trailers);
    expect(told).not.toContain('came 0');
  });

  it('does not tell an end that came with the last bytes', () => {
    const { body, clock, told } = begin({ endsWithBytes: true });
    body.data(Buffer.alloc(10));
    body.end(undefined);
    clock.advance(0);
    expect(told).toEqual(['began', 'came 10', 'went 10', 'finished']);
  });

  it('tells who sends to wait beyond 64 KiB, and to go on below', () => {
    const { body, clock, told } = begin();
    expect(body.data(Buffer.alloc(64 * 1024))).toBe(false);
    clock.advance(0);
    expect(told).toContain('drain');
    expect(body.data(Buffer.alloc(10))).toBe(true);
  });

  it('waits while who is sent to is slow', () => {
    const { body, clock, sent, state } = begin({ slow: true });
    body.data(Buffer.alloc(1100));
    clock.advance(0);
    clock.advance(1000);
    expect(sent).toEqual([1000]);
    state.slow = false;
    body.resume();
    clock.advance(0);
    expect(sent).toEqual([1000, 100]);
  });

  it('says nothing more once it is broken off', () => {
    const { body, clock, sent, told } = begin();
    body.data(Buffer.alloc(1100));
    clock.advance(0);
    body.cancel();
    clock.advance(1000);
    expect(sent).toEqual([1000]);
    expect(told.at(-1)).toBe('broken off');
  });
});
