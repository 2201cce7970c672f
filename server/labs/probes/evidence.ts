import type { Sandbox } from '#sandbox';
import type { BatchSpec } from '../lab-schema.ts';
import type { SentRequest } from '../traffic.ts';
import { countersOf } from './counters.ts';
import { everyEntry } from './fields.ts';

/** What a finished batch of a check is remembered by. */
export interface Lines {
  /** Monotonic milliseconds. */
  readonly times: readonly number[];
  /** By pod that was chosen, also those without a line. */
  readonly byPod: ReadonlyMap<string, number>;
}

export interface BatchMemory {
  readonly sent: readonly SentRequest[];
  readonly lastedMs: number;
  /** Monotonic. */
  readonly endedMs: number;
}

/** What a batch leaves behind in proxies and programs. Watched from its beginning until `end`. */
export interface Evidence {
  /** By how much each counter of `stats` has moved. */
  moved(): readonly number[];
  /** The lines that fit each entry of `lines`. */
  lines(): readonly Lines[];
  /** Hops of each trace that began meanwhile, by trace id. */
  traces(): ReadonlyMap<string, number>;
  lastedMs(): number;
  /** The last answer has come. Counters and lines may still move. */
  sent(): void;
  end(): void;
}

export function watchEvidence(batch: BatchSpec, sandbox: Sandbox): Evidence {
  const counters = countersOf(batch, sandbox);
  const lines = followLines(batch, sandbox);
  const beganMs = sandbox.clock.monotonic();
  const beganAtMs = sandbox.clock.now();
  let lastedMs = 0;
  return {
    moved: () => counters.moved(),
    lines: () => lines.found,
    traces: () => tracesSince(sandbox, beganAtMs),
    lastedMs: () => lastedMs,
    sent: () => {
      lastedMs = sandbox.clock.monotonic() - beganMs;
    },
    end: () => lines.stop(),
  };
}

function followLines({ lines = [] }: BatchSpec, sandbox: Sandbox) {
  const found = lines.map(() => ({ times: [] as number[], byPod: new Map<string, number>() }));
  const stops = lines.flatMap(({ namespace, labels, container, line }, index) => {
    const wanted = new RegExp(line);
    const own = found[index];
    return sandbox.pods
      .filter((pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value))
      .flatMap((pod) => {
        own?.byPod.set(pod.name, 0);
        return pod.containers
          .filter(({ kind, name }) => kind === 'app' && (container === undefined || name === container))
          .map(({ name }) =>
            pod.followLogs(name, (text) => {
              if (own === undefined || !wanted.test(text)) return;
              own.times.push(sandbox.clock.monotonic());
              own.byPod.set(pod.name, (own.byPod.get(pod.name) ?? 0) + 1);
            }),
          );
      });
  });
  return {
    found,
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

const NEWEST = 20_000;

function tracesSince({ hops }: Sandbox, beganAtMs: number): Map<string, number> {
  const found = new Map<string, number>();
  for (const { traceId, startMs } of hops.requests(NEWEST))
    if (startMs >= beganAtMs && !found.has(traceId)) found.set(traceId, hops.trace(traceId).length);
  return found;
}
