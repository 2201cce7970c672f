import { randomInt } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { logExchangeSchema } from '#contract';
import { type Clock, MeshworkError } from '#domain';
import type { LearnerStore } from '#learners';
import type { SavedState } from '../protocol.ts';
import type { Access } from './access.ts';

/** An answer of these routes: JSON, with a cookie where the browser becomes another learner. */
export interface LearnerAnswer {
  readonly status: number;
  readonly body: object;
  readonly cookie?: string;
}

export type LearnerRoutes = (request: IncomingMessage, path: string) => Promise<LearnerAnswer>;

/** 5,000 entries of the usual size; a log with many long cards of its own goes in smaller parts. */
const MAX_BODY_BYTES = 4 * 1_048_576;
const CODE_LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const CODE_LENGTH = 8;
const CODE_LIVES_MS = 10 * 60_000;
const MAX_CODES = 1_000;
/** Wrong codes within one life of a code, from all browsers together: 32^8 codes are then out of reach. */
const MAX_WRONG_CODES = 100;

/**
 * What a browser asks about its learner: `POST /api/log` joins logs, `POST /api/labs` reads the texts of its labs,
 * `DELETE /api/log` ends the mesh and erases what the server keeps,
 * `POST /api/link` makes a code, `POST /api/link/join` turns this browser into the learner of a code. All need the cookie, the
 * token in `x-meshwork-token` and a page of this server as origin.
 */
export function createLearnerRoutes(options: {
  readonly access: Access;
  readonly store: LearnerStore;
  readonly clock: Clock;
  /** Ends the learner's mesh; nothing of it is kept afterwards. */
  readonly endMesh: (learner: string) => Promise<void>;
}): LearnerRoutes {
  const { access, store } = options;
  const codes = createCodes(options.clock);
  const handlers: Readonly<Record<string, (learner: string, body: unknown) => LearnerAnswer | Promise<LearnerAnswer>>> =
    {
      'POST /api/log': (learner, body) => {
        const { entries, after } = parse(logExchangeSchema, body);
        return ok(store.log.exchange(learner, entries, after));
      },
      'POST /api/labs': (learner) => ok({ labs: store.labs(learner).map(textsOf) }),
      'DELETE /api/log': async (learner) => {
        // First the mesh: it would keep its state once more.
        await options.endMesh(learner);
        store.erase(learner);
        return ok({ erased: true });
      },
      'POST /api/link': (learner) => ok(codes.make(learner)),
      'POST /api/link/join': (_, body) => {
        const learner = codes.take(parse(z.object({ code: z.string().max(40) }), body).code);
        if (learner === undefined)
          return refusal(404, 'unknown_code', 'No browser shows this code now. Ask for a new one.');
        return { ...ok({ token: access.token(learner) }), cookie: access.cookie(learner) };
      },
    };
  return async (request, path) => {
    const handler = handlers[`${request.method} ${path}`];
    if (!handler) return refusal(405, 'bad_method', `${path} is not asked with ${request.method}.`);
    const learner = access.learner(request);
    const token = request.headers['x-meshwork-token'];
    if (!access.originAllowed(request, { allowNone: false }) || learner === undefined || typeof token !== 'string')
      return refusal(403, 'forbidden', 'Only pages of this server may ask, with their cookie and token.');
    if (!access.tokenValid(learner, token)) return refusal(403, 'forbidden', 'The token is not of this learner.');
    try {
      return await handler(learner, request.method === 'POST' ? await readJson(request) : undefined);
    } catch (error) {
      if (!(error instanceof MeshworkError)) throw error;
      return refusal(error.code === 'too_large' ? 413 : 400, error.code, error.message);
    }
  };
}

/** The learner's own words of a lab: its files, without the state of the mesh. */
function textsOf({ lab, state }: { readonly lab: string; readonly state: unknown }): object {
  return { lab, files: (state as Partial<SavedState>).files ?? [] };
}

function ok(body: object): LearnerAnswer {
  return { status: 200, body };
}

function refusal(status: number, code: string, message: string): LearnerAnswer {
  return { status, body: { error: { code, message } } };
}

function parse<Schema extends z.ZodType>(schema: Schema, body: unknown): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new MeshworkError('bad_request', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not as expected'}`);
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > MAX_BODY_BYTES) throw new MeshworkError('too_large', `A body has at most ${MAX_BODY_BYTES} bytes.`);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8') || '{}');
  } catch (cause) {
    throw new MeshworkError('bad_request', 'The body is not JSON.', { cause });
  }
}

interface Codes {
  make(learner: string): { readonly code: string; readonly livesMs: number };
  /** The learner of a code, once. */
  take(code: string): string | undefined;
}

/** Codes that join a second browser to a learner: short enough to type, each good for ten minutes and one use. */
function createCodes(clock: Clock): Codes {
  const codes = new Map<string, { readonly learner: string; readonly untilMs: number }>();
  let wrong = { count: 0, untilMs: 0 };
  const forgetOld = (): void => {
    for (const [code, { untilMs }] of codes) if (untilMs <= clock.now()) codes.delete(code);
    if (wrong.untilMs <= clock.now()) wrong = { count: 0, untilMs: clock.now() + CODE_LIVES_MS };
  };
  return {
    make: (learner) => {
      forgetOld();
      if (codes.size >= MAX_CODES)
        throw new MeshworkError('too_many', 'Too many codes wait. Try again in ten minutes.');
      const code = Array.from({ length: CODE_LENGTH }, () => CODE_LETTERS[randomInt(CODE_LETTERS.length)]).join('');
      codes.set(code, { learner, untilMs: clock.now() + CODE_LIVES_MS });
      return { code, livesMs: CODE_LIVES_MS };
    },
    take: (typed) => {
      forgetOld();
      if (wrong.count >= MAX_WRONG_CODES)
        throw new MeshworkError('too_many', 'Too many wrong codes. Try again in ten minutes.');
      const code = typed.toUpperCase().replace(/[^A-Z0-9]/g, '');
      const found = codes.get(code);
      if (!found) wrong.count++;
      codes.delete(code);
      return found?.learner;
    },
  };
}
