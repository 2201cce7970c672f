import type { RequestView } from '#contract';

export type Outcome = 'ok' | 'slow' | 'failed';

/** From this on a request counts as slow even without a delay fault. */
export const SLOW_MS = 300;

/** What one word and one shape say of a request: refused or failed first, then late, then fine. */
export function outcomeOf(request: Pick<RequestView, 'status' | 'flags' | 'durationMs'>): Outcome {
  if (isPlainTcp(request)) return 'ok';
  if (request.status === 0 || request.status >= 400) return 'failed';
  if (request.flags.includes('DI') || request.durationMs >= SLOW_MS) return 'slow';
  return 'ok';
}

/** `503 UO`, or `no answer` when the client left before one. */
/** A connection that was passed on as it is has no status; without a flag it went well, and its length says nothing. */
const isPlainTcp = ({ status, flags }: Pick<RequestView, 'status' | 'flags'>): boolean =>
  status === 0 && flags.length === 0;

export function statusText(request: Pick<RequestView, 'status' | 'flags'>): string {
  if (isPlainTcp(request)) return 'TCP';
  const status = request.status === 0 ? 'no answer' : String(request.status);
  return [status, ...request.flags].join(' ');
}
