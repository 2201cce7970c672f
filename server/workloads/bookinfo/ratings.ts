import type { IncomingMessage } from 'node:http';
import { pause, type Timer } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type Answer, json, pathOf, readBody, text } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { databaseRatings } from './ratings-database.ts';

/** `v1` answers, `v2` asks a database; the others fail on purpose: half of the time, half of the time 7 s late, minute by minute, quarter hour by quarter hour. */
type RatingsVersion = 'v1' | 'v2' | 'v-faulty' | 'v-delayed' | 'v-unavailable' | 'v-unhealthy';

const DELAY_MS = 7000;
const SWITCH_MS: Partial<Record<RatingsVersion, number>> = { 'v-unavailable': 60_000, 'v-unhealthy': 900_000 };
const MAX_STORED_PRODUCTS = 1000;

/** Star ratings, as `samples/bookinfo/src/ratings` answers them. */
export function ratingsImage(imageVersion: RatingsVersion): WorkloadImage {
  return {
    name: `examples-bookinfo-ratings-${imageVersion}`,
    start: (context) => {
      const ratings = createRatings(context, (context.env['SERVICE_VERSION'] ?? imageVersion) as RatingsVersion);
      return serve(context, envNumber(context, 'PORT', Number(context.args[0] ?? 9080)), ratings);
    },
  };
}

function createRatings(context: ContainerContext, kind: RatingsVersion): (request: IncomingMessage) => Promise<Answer> {
  const posted = new Map<number, unknown>();
  let available = true;
  const switchMs = SWITCH_MS[kind];
  if (switchMs !== undefined) alternate(context, switchMs, () => (available = !available));

  const read = async (productId: number): Promise<Answer> => {
    if (kind === 'v2') return databaseRatings(context, productId);
    if (kind === 'v-faulty' && context.random.next() <= 0.5) return unavailable();
    if (kind === 'v-delayed' && context.random.next() <= 0.5) await pause(context, DELAY_MS);
    if (!available) return unavailable();
    return json(200, { id: productId, ratings: posted.get(productId) ?? { Reviewer1: 5, Reviewer2: 4 } });
  };
  const write = async (productId: number, request: IncomingMessage): Promise<Answer> => {
    const body = parseJson(await readBody(request));
    if (body === undefined) return json(400, { error: 'please provide valid ratings JSON' });
    if (kind === 'v2') return json(501, { error: 'Post not implemented for database backed ratings' });
    if (posted.size >= MAX_STORED_PRODUCTS && !posted.has(productId)) return unavailable();
    posted.set(productId, body);
    return json(200, { id: productId, ratings: body });
  };

  return async (request) => {
    const path = pathOf(request);
    if (path === '/health') {
      const healthy = kind !== 'v-unhealthy' || available;
      return json(healthy ? 200 : 500, { status: healthy ? 'Ratings is healthy' : 'Ratings is not healthy' });
    }
    if (!path.startsWith('/ratings/') || (request.method !== 'GET' && request.method !== 'POST')) return text(404, '');
    const productId = Number.parseInt(path.split('/').at(-1) ?? '', 10);
    if (Number.isNaN(productId)) return json(400, { error: 'please provide numeric product ID' });
    return request.method === 'GET' ? read(productId) : write(productId, request);
  };
}

const unavailable = (): Answer => json(503, { error: 'Service unavailable' });

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}

function alternate(context: ContainerContext, everyMs: number, act: () => void): void {
  const next = (): Timer =>
    context.clock.after(everyMs, () => {
      act();
      timer = next();
    });
  let timer = next();
  context.signal.addEventListener('abort', () => timer.cancel(), { once: true });
}
