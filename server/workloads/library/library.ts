import type { IncomingMessage } from 'node:http';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type Trouble, troubleOf } from '../lab/trouble.ts';
import { copiedHeaders, signature } from '../lab/upstreams.ts';
import { type Answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import type { Breaker } from './breaker.ts';
import { type Call, failed, type Outcome, stack } from './call.ts';
import { layersOf } from './layers.ts';
import { type CalleeSettings, readSettings, type Settings } from './settings.ts';

const FILE = '/etc/policy/policy.yaml';

const settingsOf = ({ env, readFile }: ContainerContext): Settings =>
  env['POLICY'] === undefined
    ? readSettings(readFile(FILE)?.toString('utf8') ?? '', FILE)
    : readSettings(env['POLICY'], 'POLICY');

/**
 * A service that protects its calls by itself, without a mesh: by the settings of Resilience4j, Polly or Tower in
 * the variable POLICY or the file /etc/policy/policy.yaml, read at start. Environment: PORT (8080), SERVICE_VERSION, and the troubles of
 * `troubleOf`. A POST with the header idempotency-key is done once however often it comes.
 */
export const libraryImage: WorkloadImage = {
  name: 'library',
  start: async (context) => {
    const settings = settingsOf(context);
    const breakers = new Map<string, Breaker>();
    const callees = settings.callees.map((callee) => createCallee(callee, context, breakers));
    const trouble = troubleOf(context);
    const writes = createWrites(context);
    let inFlight = 0;
    await serve(context, envNumber(context, 'PORT', 8080), async (request) => {
      const { maxInFlight } = settings;
      if (maxInFlight !== undefined && inFlight >= maxInFlight) {
        context.log(`full: ${inFlight} requests in flight`);
        return json(503, { ...signature(context, 'library'), error: 'full' });
      }
      inFlight += 1;
      try {
        return await answerOf({ context, request, callees, trouble, writes, inTurn: settings.calls === 'in-turn' });
      } finally {
        inFlight -= 1;
      }
    });
  },
};

interface Serving {
  readonly context: ContainerContext;
  readonly request: IncomingMessage;
  readonly callees: readonly Callee[];
  readonly trouble: Trouble;
  readonly writes: Writes;
  readonly inTurn: boolean;
}

interface Told {
  readonly callee: string;
  readonly outcome: Outcome;
  readonly degraded: boolean;
}

async function answerOf({ context, request, callees, trouble, writes, inTurn }: Serving): Promise<Answer> {
  const who = signature(context, 'library');
  if (pathOf(request) === '/health') return json(200, { ...who, status: 'healthy' });
  const left = request.headers['x-time-left-ms'];
  if (left !== undefined) context.log(`time left ${left} ms`);
  const failure = await trouble();
  // The work was done before the answer is lost: that is what makes a repeated write dangerous.
  if (request.method === 'POST') writes.write(request);
  const told: Told[] = [];
  if (inTurn) for (const callee of callees) told.push(await callee(request));
  else told.push(...(await Promise.all(callees.map((callee) => callee(request)))));
  if (failure !== undefined) return json(failure, { ...who, error: 'made to fail' });
  const bad = told.find(({ outcome, degraded }) => failed(outcome) && !degraded);
  const upstreams = told.map(({ callee, outcome, degraded }) => ({
    callee,
    status: outcome.status,
    ...(degraded && { degraded }),
    ...(outcome.error !== '' && { error: outcome.error }),
  }));
  const body = { ...who, path: pathOf(request), ...(upstreams.length > 0 && { upstreams }) };
  const headers = {
    'x-version': who.version,
    ...(told.some(({ degraded }) => degraded) && { 'x-degraded': 'true' }),
  };
  if (bad === undefined) return json(200, body, headers);
  return json(bad.outcome.timedOut ? 504 : bad.outcome.status === 0 ? 503 : bad.outcome.status, body, headers);
}

type Callee = (request: IncomingMessage) => Promise<Told>;

function createCallee(settings: CalleeSettings, context: ContainerContext, breakers: Map<string, Breaker>): Callee {
  const { clock, random, log } = context;
  const ask = stack(layersOf(settings, { clock, random, log: (line) => log(line), breakers }));
  const base = settings.url.replace(/\/$/, '');
  let kept: Outcome | undefined;
  let keys = 0;
  return async (request) => {
    const left = Number(request.headers['x-time-left-ms'] ?? Number.POSITIVE_INFINITY);
    const call: Call = {
      context,
      callee: settings.name,
      url: base + (request.url ?? '/'),
      method: request.method ?? 'GET',
      headers: {
        ...copiedHeaders(context, request),
        ...(settings.idempotencyKey && { 'idempotency-key': `${context.pod.name}-${++keys}` }),
      },
      passTimeLeft: settings.passTimeLeft,
      deadline: settings.passTimeLeft && left >= 0 ? clock.monotonic() + left : Number.POSITIVE_INFINITY,
    };
    const outcome = await ask(call);
    if (!failed(outcome)) {
      kept = outcome;
      return { callee: settings.name, outcome, degraded: false };
    }
    const { fallback } = settings;
    if (fallback === 'cache') {
      // Nothing was kept yet: an empty list is what a shop can show.
      const copy = kept ?? { status: 200, body: '[]', error: '', timedOut: false };
      return { callee: settings.name, outcome: copy, degraded: true };
    }
    if (fallback === undefined) return { callee: settings.name, outcome, degraded: false };
    const other = await ask({ ...call, url: fallback });
    return { callee: settings.name, outcome: other, degraded: !failed(other) };
  };
}

interface Writes {
  write(request: IncomingMessage): void;
}

/** What POST requests leave behind: one line in the log for each write that was done. */
function createWrites(context: ContainerContext): Writes {
  const seen = new Set<string>();
  return {
    write: ({ headers }) => {
      const key = headers['idempotency-key'];
      if (typeof key === 'string') {
        if (seen.has(key)) {
          context.log(`write ${key} was done before`);
          return;
        }
        if (seen.size > 10_000) seen.clear();
        seen.add(key);
      }
      context.log('write done');
    },
  };
}
