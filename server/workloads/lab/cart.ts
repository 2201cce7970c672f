import type { IncomingMessage } from 'node:http';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type Answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { askUpstream, carriedHeaders, signature, timeoutOf, type UpstreamAnswer, upstreams } from './upstreams.ts';

/** Generous, so that a busy machine alone never trips it; the lab about limits sets 300 ms. */
const OWN_LIMIT_MS = 2000;
const RETRY_MS = 200;
const FIRST_COPY_LIMIT_MS = 10_000;

/**
 * A cart that asks inventory before each answer and hangs up after its own limit. Without a fallback it then answers 503; with CACHE=on
 * it serves the last good copy with `cached: true`. Environment: UPSTREAMS (http://inventory:8080), TIMEOUT_MS (2000), CACHE, PORT (8080).
 */
export const cartImage: WorkloadImage = {
  name: 'cart',
  start: async (context) => {
    const inventory = (upstreams(context)[0] ?? 'http://inventory:8080').replace(/\/$/, '');
    const cache = context.env['CACHE'] === 'on' ? createCache(context, inventory) : undefined;
    await serve(context, envNumber(context, 'PORT', 8080), (request) => cart({ context, inventory, cache, request }));
    cache?.fill();
  },
};

interface CartRequest {
  readonly context: ContainerContext;
  readonly inventory: string;
  readonly cache: Cache | undefined;
  readonly request: IncomingMessage;
}

async function cart({ context, inventory, cache, request }: CartRequest): Promise<Answer> {
  const who = signature(context, 'cart');
  if (pathOf(request) === '/health') return json(200, { ...who, status: 'healthy' });
  const options = { headers: carriedHeaders(request), ...timeoutOf(context, OWN_LIMIT_MS) };
  const answer = await askUpstream(context, inventory + (request.url ?? '/'), options);
  if (answer.status > 0 && answer.status < 500) {
    if (answer.status === 200) cache?.keep(answer.body);
    return json(answer.status, { ...who, cached: false, inventory: answer.body }, { 'x-cached': 'false' });
  }
  if (cache !== undefined) {
    return json(200, { ...who, cached: true, inventory: await cache.copy() }, { 'x-cached': 'true' });
  }
  return json(503, { ...who, error: why(answer) });
}

const why = ({ status, error }: UpstreamAnswer): string =>
  status === 0
    ? `inventory: ${error ?? 'no answer'}, and there is no fallback`
    : `inventory answered ${status}, and there is no fallback`;

interface Cache {
  keep(body: unknown): void;
  /** The newest copy; waits for the first one when nothing has been kept so far. */
  copy(): Promise<unknown>;
  /** Fetches the first copy at leisure, so that even the first slow answer has something to fall back to. */
  fill(): void;
}

function createCache(context: ContainerContext, inventory: string): Cache {
  let kept: { readonly body: unknown } | undefined;
  const first = Promise.withResolvers<unknown>();
  const keep = (body: unknown): void => {
    kept = { body };
    first.resolve(body);
  };
  const fill = (): void => {
    if (kept !== undefined || context.signal.aborted) return;
    askUpstream(context, inventory, { headers: {}, timeoutMs: FIRST_COPY_LIMIT_MS }).then((answer) => {
      if (answer.status === 200) keep(answer.body);
      else context.clock.after(RETRY_MS, fill);
    });
  };
  return { keep, fill, copy: async () => (kept === undefined ? first.promise : kept.body) };
}
