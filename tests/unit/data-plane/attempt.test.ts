import { expect, it } from 'vitest';
import type { StreamWaiter, UpstreamStream } from '../../../server/data-plane/http/codec.ts';
import { type AttemptOptions, UpstreamAttempt } from '../../../server/data-plane/http/router/attempt.ts';

const nothing = (): void => undefined;

/** A try whose pool has no connection yet, with what its host counts. */
function waitingTry() {
  const host = { activeRequests: 0, waiting: 0 };
  let waiter: StreamWaiter | undefined;
  const pool = {
    newStream(_sink: unknown, asking: StreamWaiter) {
      waiter = asking;
      return nothing;
    },
  };
  const cluster = {
    config: { predictiveRatio: 1, http: { maxStreamDurationMs: 0 } },
    poolOf: () => pool,
    stats: { count: nothing },
  };
  const owner = { connected: nothing, responseEnd: nothing, failed: nothing };
  const attempt = new UpstreamAttempt({ choice: { host }, cluster, owner, request: {} } as unknown as AttemptOptions);
  attempt.start();
  const stream = { protocol: 'HTTP/1.1', reset: nothing } as unknown as UpstreamStream;
  return { attempt, counts: () => [host.waiting, host.activeRequests], connect: () => waiter?.ready(stream) };
}

it('a request is load of its host from the moment that it has a connection', () => {
  const { attempt, connect, counts } = waitingTry();
  expect(counts()).toEqual([1, 0]);
  connect();
  expect(counts()).toEqual([0, 1]);
  attempt.end(undefined);
  expect(counts()).toEqual([0, 0]);
});

it('a request that is given up before never was any', () => {
  for (const give of ['drop', 'failed'] as const) {
    const { attempt, connect, counts } = waitingTry();
    if (give === 'drop') attempt.drop('local_reset');
    else attempt.failed('connection_timeout', '');
    expect(counts()).toEqual([0, 0]);
    connect();
    expect(counts()).toEqual([0, 0]);
  }
});
