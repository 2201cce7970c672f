import type { Random, Timer } from '#domain';
import type { Sandbox } from '#sandbox';
import type { ClientTls, FetchResponse } from '#workloads';
import { failureOf } from './failure.ts';
import type { TrafficSpec } from './lab-schema.ts';
import { everyEntry } from './probes/fields.ts';
import type { SentRequest, SteadyAnswer, SteadyTotals, TrafficState } from './traffic.ts';

export interface Outgoing {
  /** Instead of the traffic's own path. */
  readonly path?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** Where trace ids come from; absent: the traffic's own source. */
  readonly random?: Random;
  /** Sends a known request again: the same trace, so the same draws of proxies that draw by it. */
  readonly traceId?: string;
}

/** Told of each request when its client knows how it ended. */
export type OnSent = (
  request: Outgoing & { readonly traceId: string; readonly atMs: number },
  ended: SentRequest,
) => void;

/** One traffic of a lab: sends single requests, and, while it runs, a steady stream of them. */
export interface Generator {
  state(): TrafficState;
  set(running: boolean, rps?: number): void;
  totals(): SteadyTotals;
  recent(): readonly SteadyAnswer[];
  send(request: Outgoing): Promise<SentRequest>;
  /** No steady request begins until as many releases have followed. Does not change what `state` says. */
  hold(): void;
  release(): void;
  /** Resolves when no request is open, or after the limit. */
  drained(limitMs: number): Promise<void>;
}

/** A generator whose answers are late never holds more than this many open. */
const MAX_OPEN = 200;
/** Answers to steady requests that are kept. */
const MAX_RECENT = 1000;

/**
 * The client starts the trace, so that its requests can be found again; a gateway keeps a trace, but not a request id. In both forms: each
 * tracer reads its own.
 */
const begunTrace = (traceId: string, spanId: string): Record<string, string> => ({
  traceparent: `00-${traceId}-${spanId}-01`,
  'x-b3-traceid': traceId,
  'x-b3-spanid': spanId,
  'x-b3-sampled': '1',
});

export function createGenerator(spec: TrafficSpec, sandbox: Sandbox, onSent: OnSent = () => undefined): Generator {
  const random = sandbox.random.stream(`traffic/${spec.id}`);
  const open = new Set<Promise<SentRequest>>();
  let { rps } = spec;
  let turn = 0;
  let sent = 0;
  let failed = 0;
  const recent: SteadyAnswer[] = [];
  let running = false;
  let holds = 0;
  let timer: Timer | undefined;

  const send = ({ path, headers, random: ids = random, ...known }: Outgoing): Promise<SentRequest> => {
    const traceId = known.traceId ?? hex(ids, 16);
    const atMs = sandbox.clock.now();
    const all = {
      'user-agent': 'meshwork-traffic',
      ...begunTrace(traceId, hex(ids, 8)),
      ...spec.headers,
      ...headers,
    };
    const beganMs = sandbox.clock.monotonic();
    const tookMs = (): number => sandbox.clock.monotonic() - beganMs;
    const request = fetchFrom({ spec, sandbox, turn: turn++, path, headers: all }).then(
      ({ status, headers: answered, serverNames }) => ({
        traceId,
        status,
        headers: answered,
        ...(serverNames && { serverNames }),
        tookMs: tookMs(),
      }),
      // No answer is an outcome that checks count, not a failure of ours.
      (error: unknown) => ({
        traceId,
        status: 0,
        headers: {},
        serverNames: [],
        tookMs: tookMs(),
        failure: failureOf(error),
      }),
    );
    open.add(request);
    return request.then((ended) => {
      open.delete(request);
      onSent({ path, headers, traceId, atMs }, ended);
      return ended;
    });
  };
  const sendSteadily = async (): Promise<void> => {
    const atMs = sandbox.clock.now();
    const { status, headers } = await send({ headers: {} });
    sent += 1;
    if (status === 0 || status >= 500) failed += 1;
    recent.push({ atMs, status, headers });
    if (recent.length > MAX_RECENT) recent.shift();
  };
  const tick = (): void => {
    if (open.size < MAX_OPEN) void sendSteadily();
    schedule();
  };
  const schedule = (): void => {
    timer?.cancel();
    // Exponential gaps: arrivals of independent users.
    timer = sandbox.clock.after((-Math.log(1 - random.next()) * 1000) / rps, tick);
  };
  const stand = (): void => timer?.cancel();
  return {
    state: () => ({ id: spec.id, title: spec.title, running, rps }),
    send,
    totals: () => ({ sent, failed }),
    recent: () => recent,
    set: (shouldRun, newRps) => {
      const changed = newRps !== undefined && newRps !== rps;
      if (newRps !== undefined) rps = newRps;
      if (shouldRun === running && !changed) return;
      const begins = shouldRun && !running;
      running = shouldRun;
      stand();
      if (!running || holds > 0) return;
      if (begins) tick();
      else schedule();
    },
    hold: () => {
      holds += 1;
      stand();
    },
    release: () => {
      holds -= 1;
      if (holds === 0 && running) schedule();
    },
    drained: async (limitMs) => {
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        const limit = sandbox.clock.after(limitMs, resolve);
        Promise.all(open).then(() => {
          limit.cancel();
          resolve();
        });
      });
    },
  };
}

interface Fetching {
  readonly spec: TrafficSpec;
  readonly sandbox: Sandbox;
  /** Pods of the same labels send in turn. */
  readonly turn: number;
  readonly path: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** What the traffic's client shows and trusts; without roots it takes any server, since labs may be about the client's certificate alone. */
function tlsOf({ tls, from }: TrafficSpec, sandbox: Sandbox): ClientTls | undefined {
  if (tls === undefined) return undefined;
  const namespace = typeof from === 'object' && 'namespace' in from ? from.namespace : 'default';
  const dataOf = (kind: 'Secret' | 'ConfigMap', name: string | undefined): Readonly<Record<string, string>> =>
    (name === undefined ? undefined : sandbox.store.get(kind, { namespace, name })?.['data']) as never;
  const file = (name: string): string | undefined => {
    const encoded = dataOf('Secret', tls.secret)?.[name];
    return encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString('utf8');
  };
  const [cert, key] = [file('tls.crt'), file('tls.key')];
  const trust = tls.roots === undefined ? { insecure: true } : { ca: dataOf('ConfigMap', tls.roots)?.['ca.crt'] ?? '' };
  return { ...trust, ...(cert && key ? { cert, key } : {}) };
}

async function fetchFrom({ spec, sandbox, turn, path, headers }: Fetching): Promise<FetchResponse> {
  const tls = tlsOf(spec, sandbox);
  const init = { method: spec.method, headers, timeoutMs: spec.timeoutMs, ...(tls && { tls }) };
  const url = path === undefined ? spec.url : new URL(path, spec.url).href;
  if (spec.from === 'outside' || 'gateway' in spec.from) {
    const { pathname, search, protocol, host, hostname } = new URL(url);
    const target = `${protocol}//${doorOf(spec.from, sandbox)}${pathname}${search}`;
    if (protocol === 'http:') return sandbox.fetchFromOutside(target, init);
    // Behind TLS the name counts: it is the SNI, what the certificate must have, and the host that is asked for.
    return sandbox.fetchFromOutside(target, {
      ...init,
      headers: { host, ...headers },
      tls: { serverName: hostname, ...tls },
    });
  }
  const { namespace, labels } = spec.from;
  const pods = sandbox.pods.filter(
    (each) => each.namespace === namespace && everyEntry(labels, (key, value) => each.labels[key] === value),
  );
  const pod = pods[turn % pods.length];
  if (!pod) throw new Error('the pod that sends this traffic is not running');
  return pod.fetch(url, init);
}

/** `ip:port` of a gateway as a client outside finds it. */
function doorOf(from: 'outside' | { readonly gateway: string; readonly port: number }, sandbox: Sandbox): string {
  if (from !== 'outside') {
    const address = sandbox.gateways[from.gateway]?.[from.port];
    if (address === undefined) throw new Error(`the gateway ${from.gateway} is not running`);
    return address;
  }
  const { ingress } = sandbox;
  if (!ingress) throw new Error('the ingress gateway is not running');
  return `${ingress.ip}:${ingress.port}`;
}

const hex = (random: Random, bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex');
