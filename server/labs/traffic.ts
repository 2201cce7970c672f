import { MeshworkError } from '#domain';
import type { Sandbox } from '#sandbox';
import type { Failure } from './failure.ts';
import { createGenerator, type Generator } from './generator.ts';
import type { TrafficSpec } from './lab-schema.ts';

/** What one request of a lab's traffic came to. `traceId` finds its hops. */
export interface SentRequest {
  readonly traceId: string;
  /** 0: no answer at all. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Names in the certificate that the server showed; absent in plaintext. */
  readonly serverNames?: readonly string[];
  /** Why there was no answer. */
  readonly failure?: Failure;
  /** Until the whole answer was there, or there was none. */
  readonly tookMs: number;
}

/** How a batch is sent; by default a few at a time, over the traffic's own path. */
export interface BatchOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly path?: string | undefined;
  readonly atOnce?: number | undefined;
  readonly rps?: number | undefined;
  /** What `{run}` stands for in header values. */
  readonly run?: number;
  /** Called when the steady traffic stands still; nothing of the batch is sent before it is done. */
  readonly begins?: () => unknown;
}

export interface TrafficState {
  readonly id: string;
  readonly title: string;
  readonly running: boolean;
  readonly rps: number;
}

/** A request that was sent, with all that is needed to send it again. */
export interface Sending {
  readonly traffic: string;
  readonly atMs: number;
  readonly traceId: string;
  readonly path?: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/** An answer to a steady request; status 0: there was none. */
export interface SteadyAnswer {
  /** When the request was sent. */
  readonly atMs: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Steady requests of a traffic that have ended. */
export interface SteadyTotals {
  readonly sent: number;
  /** No answer, or a status of 500 and above. */
  readonly failed: number;
}

/** The lab's traffic: generators at a steady seeded pace, and batches for checks. An unknown id is a MeshworkError. */
export interface Traffic {
  states(): TrafficState[];
  set(id: string, running: boolean, rps?: number): void;
  totals(id: string): SteadyTotals;
  /** The newest answers to steady requests, oldest first. */
  recent(id: string): readonly SteadyAnswer[];
  send(
    id: string,
    extra?: { readonly path?: string; readonly headers?: Readonly<Record<string, string>> },
  ): Promise<SentRequest>;
  /**
   * `count` requests in the seed's order. The steady traffic is held meanwhile, so that the draws and logs of the
   * batch are its own. Ends early, with what was sent, when the traffic is stopped.
   */
  batch(id: string, count: number, options: BatchOptions): Promise<SentRequest[]>;
  /** Sends recorded requests again, in their order, so many at a time, until `untilMs` (monotonic). Those that were sent. */
  replay(
    sendings: readonly Sending[],
    options: { readonly atOnce: number; readonly untilMs: number },
  ): Promise<SentRequest[]>;
  /** Stands still until as many releases have followed. */
  hold(): void;
  release(): void;
  stop(): void;
}

const BATCH_AT_ONCE = 8;
/** How long a batch waits for steady requests that are still open. */
const DRAIN_MS = 1000;

export function createTraffic(
  specs: readonly TrafficSpec[],
  sandbox: Sandbox,
  onSent: (sending: Sending, ended: SentRequest) => void = () => undefined,
): Traffic {
  const generators = new Map(
    specs.map((spec) => [
      spec.id,
      createGenerator(spec, sandbox, (request, ended) => onSent({ ...request, traffic: spec.id }, ended)),
    ]),
  );
  const all = [...generators.values()];
  const batches = new Map<string, number>();
  let stopped = false;
  const find = (id: string): Generator => {
    const generator = generators.get(id);
    if (!generator) throw new MeshworkError('unknown_traffic', `The lab has no traffic "${id}".`);
    return generator;
  };
  /** A source of its own for each batch of a traffic: the nth batch has the same trace ids in every run of the lab. */
  const batchRandom = (id: string) => {
    const number = (batches.get(id) ?? 0) + 1;
    batches.set(id, number);
    return sandbox.random.stream(`batch/${id}/${number}`);
  };

  return {
    states: () => all.map((generator) => generator.state()),
    set: (id, running, rps) => find(id).set(running, rps),
    totals: (id) => find(id).totals(),
    recent: (id) => find(id).recent(),
    send: (id, extra) => find(id).send({ path: extra?.path, headers: extra?.headers ?? {} }),
    batch: async (id, count, { headers = {}, path, atOnce = BATCH_AT_ONCE, rps, run = 0, begins }) => {
      const generator = find(id);
      const random = batchRandom(id);
      const results: SentRequest[] = [];
      let next = 0;
      const sendNext = async (): Promise<void> => {
        const index = next++;
        results[index] = await generator.send({ headers: filledIn(headers, { n: index + 1, run }), path, random });
      };
      const worker = async (): Promise<void> => {
        while (next < count && !stopped) await sendNext();
      };
      const paced = async (perSecond: number): Promise<void> => {
        const open: Promise<void>[] = [];
        const beganMs = sandbox.clock.monotonic();
        while (next < count && !stopped) {
          const dueMs = beganMs + (next * 1000) / perSecond - sandbox.clock.monotonic();
          if (dueMs > 0) await new Promise<void>((resolve) => sandbox.clock.after(dueMs, resolve));
          open.push(sendNext());
        }
        await Promise.all(open);
      };
      for (const each of all) each.hold();
      try {
        await Promise.all(all.map((each) => each.drained(DRAIN_MS)));
        await begins?.();
        await (rps === undefined ? Promise.all(Array.from({ length: atOnce }, worker)) : paced(rps));
      } finally {
        for (const each of all) each.release();
      }
      return results.filter((result) => result !== undefined);
    },
    replay: async (sendings, { atOnce, untilMs }) => {
      const results: SentRequest[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < sendings.length && !stopped && sandbox.clock.monotonic() < untilMs) {
          const index = next++;
          const { traffic, path, headers, traceId } = sendings[index] as Sending;
          results[index] = await find(traffic).send({ path, headers, traceId });
        }
      };
      await Promise.all(Array.from({ length: atOnce }, worker));
      return results;
    },
    hold: () => {
      for (const each of all) each.hold();
    },
    release: () => {
      for (const each of all) each.release();
    },
    stop: () => {
      stopped = true;
      for (const generator of all) generator.set(false);
    },
  };
}

const filledIn = (
  headers: Readonly<Record<string, string>>,
  { n, run }: { readonly n: number; readonly run: number },
): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value.replaceAll('{n}', String(n)).replaceAll('{run}', String(run)),
    ]),
  );
