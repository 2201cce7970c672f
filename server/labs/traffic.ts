import type { Random, Timer } from '#domain';
import type { Sandbox } from '#sandbox';
import type { FetchResponse } from '#workloads';
import type { TrafficSpec } from './lab-schema.ts';

/** What one request of a lab's traffic came to. `traceId` finds its hops. */
export interface SentRequest {
  readonly traceId: string;
  /** 0: no answer at all. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TrafficState {
  readonly id: string;
  readonly title: string;
  readonly running: boolean;
  readonly rps: number;
}

/** The lab's traffic: generators at a steady seeded pace, and batches for checks. */
export interface Traffic {
  states(): TrafficState[];
  set(id: string, running: boolean, rps?: number): void;
  send(
    id: string,
    extra?: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<SentRequest>;
  /** `count` requests, a few at a time, in the seed's order. */
  batch(id: string, count: number, headers: Readonly<Record<string, string>>): Promise<SentRequest[]>;
  stop(): void;
}

const BATCH_AT_ONCE = 8;
/** A generator whose answers are late never holds more than this many open. */
const MAX_OPEN = 200;

export function createTraffic(specs: readonly TrafficSpec[], sandbox: Sandbox): Traffic {
  const generators = new Map(specs.map((spec) => [spec.id, createGenerator(spec, sandbox)]));
  const find = (id: string): Generator => {
    const generator = generators.get(id) ?? [...generators.values()][0];
    if (!generator) throw new Error(`the lab has no traffic "${id}"`);
    return generator;
  };
  return {
    states: () => [...generators.values()].map((generator) => generator.state()),
    set: (id, running, rps) => find(id).set(running, rps),
    send: (id, extra) => find(id).send(extra?.path, extra?.headers ?? {}),
    batch: async (id, count, headers) => {
      const generator = find(id);
      const results: SentRequest[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        for (let index = next++; index < count; index = next++)
          results[index] = await generator.send(undefined, headers);
      };
      await Promise.all(Array.from({ length: BATCH_AT_ONCE }, worker));
      return results;
    },
    stop: () => {
      for (const generator of generators.values()) generator.set(false);
    },
  };
}

interface Generator {
  state(): TrafficState;
  set(running: boolean, rps?: number): void;
  send(path: string | undefined, headers: Readonly<Record<string, string>>): Promise<SentRequest>;
}

function createGenerator(spec: TrafficSpec, sandbox: Sandbox): Generator {
  const random = sandbox.random.stream(`traffic/${spec.id}`);
  let rps = spec.rps;
  let running = false;
  let open = 0;
  let timer: Timer | undefined;

  const send = async (path: string | undefined, extra: Readonly<Record<string, string>>): Promise<SentRequest> => {
    const traceId = hex(random, 16);
    const headers = {
      'user-agent': 'meshwork-traffic',
      // The client starts the trace, so that its requests can be found again; a gateway keeps a trace, but not a request id.
      traceparent: `00-${traceId}-${hex(random, 8)}-01`,
      ...spec.headers,
      ...extra,
    };
    open += 1;
    try {
      const response = await fetchFrom(spec, sandbox, path, headers);
      return { traceId, status: response.status, headers: response.headers };
    } catch {
      // No answer is an outcome that checks count, not a failure of ours.
      return { traceId, status: 0, headers: {} };
    } finally {
      open -= 1;
    }
  };
  const tick = (): void => {
    if (!running) return;
    if (open < MAX_OPEN) send(undefined, {}).catch(() => undefined);
    // Exponential gaps: arrivals of independent users.
    timer = sandbox.clock.after((-Math.log(1 - random.next()) * 1000) / rps, tick);
  };
  return {
    state: () => ({ id: spec.id, title: spec.title, running, rps }),
    send,
    set: (shouldRun, newRps) => {
      if (newRps !== undefined) rps = newRps;
      timer?.cancel();
      running = shouldRun;
      if (running) tick();
    },
  };
}

function fetchFrom(
  spec: TrafficSpec,
  sandbox: Sandbox,
  path: string | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<FetchResponse> {
  const init = { method: spec.method, headers, timeoutMs: spec.timeoutMs };
  const url = path === undefined ? spec.url : new URL(path, spec.url).href;
  if (spec.from === 'outside') {
    const ingress = sandbox.ingress;
    if (!ingress) return Promise.reject(new Error('the ingress gateway is not running'));
    const { pathname, search } = new URL(url);
    return sandbox.fetchFromOutside(`http://${ingress.ip}:${ingress.port}${pathname}${search}`, init);
  }
  const { namespace, labels } = spec.from;
  const pod = sandbox.pods.find(
    (each) =>
      each.namespace === namespace && Object.entries(labels).every(([key, value]) => each.labels[key] === value),
  );
  return pod ? pod.fetch(url, init) : Promise.reject(new Error('the pod that sends this traffic is not running'));
}

const hex = (random: Random, bytes: number): string => Buffer.from(random.bytes(bytes)).toString('hex');
