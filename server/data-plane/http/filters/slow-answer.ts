import type { AnswerFilter } from '../answer-filters.ts';
import type { Exchange } from '../exchange.ts';
import { LimitedBody, type LimitedBodyEvents } from './limited-body.ts';
import { TokenBucket } from './rate-limit/token-bucket.ts';

const INTERVAL_MS = 50;
const IGNORED: LimitedBodyEvents = {
  began: () => undefined,
  came: () => undefined,
  went: () => undefined,
  finished: (trailers) => trailers,
  brokenOff: () => undefined,
};

/** The body of one answer goes on with so many times 1024 bytes a second. As in Envoy, its bucket begins with one interval's worth. */
export function slowAnswer({ info, runtime: { clock } }: Exchange, kbps: number): AnswerFilter {
  const bytes = kbps * 1024;
  const bucket = new TokenBucket({ maxTokens: bytes, tokensPerFill: bytes, fillIntervalMs: 1000 }, clock);
  bucket.takeUpTo(bytes - Math.floor((bytes * INTERVAL_MS) / 1000));
  return () => (out) =>
    new LimitedBody(out, {
      bucket,
      fillIntervalMs: INTERVAL_MS,
      clock,
      events: IGNORED,
      endsWithBytes: info.details !== 'via_upstream',
    });
}
