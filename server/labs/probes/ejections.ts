import type { Sandbox } from '#sandbox';
import type { EjectionsSpec } from '../lab-schema.ts';
import type { Traffic } from '../traffic.ts';
import { everyEntry } from './fields.ts';

export interface EjectionsVerdict {
  readonly met: boolean;
  readonly seen: string;
}

const POLL_MS = 20;
/** A sweep, and a poll, may come a moment late on a busy machine. */
const LATE_MS = 300;

/** Requests that a late loop makes up for at once. */
const MOST_AT_ONCE = 10;

/**
 * Keeps requests coming and times how long the caller's proxy leaves out an endpoint. Met when two ejections of one endpoint in a row
 * last k and k + 1 base times, each ended by the first sweep after that. An endpoint that answers until the next sweep is forgiven one
 * base time, as in Envoy; then the watch goes on.
 */
export async function watchEjections(
  spec: EjectionsSpec,
  traffic: Traffic,
  sandbox: Sandbox,
): Promise<EjectionsVerdict> {
  const watch = createWatch(spec, sandbox);
  const open: Promise<unknown>[] = [];
  const everyMs = 1000 / spec.rps;
  const beganMs = sandbox.clock.monotonic();
  let nextMs = beganMs;
  let last: Pair | undefined;
  while (sandbox.clock.monotonic() - beganMs < spec.limitMs) {
    const now = sandbox.clock.monotonic();
    last = watch.look(now) ?? last;
    if (last && fitting(spec, last)) break;
    for (let sent = 0; now >= nextMs && sent < MOST_AT_ONCE; sent++, nextMs += everyMs)
      open.push(traffic.send(spec.traffic));
    nextMs = Math.max(nextMs, now);
    await new Promise<void>((resolve) => sandbox.clock.after(POLL_MS, resolve));
  }
  await Promise.all(open);
  if (last === undefined)
    return { met: false, seen: `${watch.ended()} ejections began and ended in ${spec.limitMs / 1000} s.` };
  const [one, two] = last.map((ms) => (ms / 1000).toFixed(1));
  return { met: fitting(spec, last), seen: `An endpoint was out for ${one} s, then for ${two} s.` };
}

/** Lengths of two ejections in a row of one endpoint, milliseconds. */
type Pair = readonly [number, number];

interface Watch {
  /** The pair that has just ended with its second. */
  look(nowMs: number): Pair | undefined;
  ended(): number;
}

function createWatch({ namespace, labels, host }: EjectionsSpec, sandbox: Sandbox): Watch {
  const began = new Map<string, number>();
  const ended = new Map<string, number[]>();
  let first = true;
  const look = (nowMs: number): Pair | undefined => {
    const pod = sandbox.pods.find(
      (each) => each.namespace === namespace && everyEntry(labels, (key, value) => each.labels[key] === value),
    );
    for (const { cluster, address, ejected } of pod?.proxy?.admin.endpoints() ?? []) {
      if (cluster.split('|')[3]?.split('.')[0] !== host) continue;
      const key = `${cluster} ${address.ip}:${address.port}`;
      const since = began.get(key);
      // Nobody saw when an ejection began that was there before: NaN, and it does not count.
      if (ejected && since === undefined) began.set(key, first ? Number.NaN : nowMs);
      if (ejected || since === undefined) continue;
      began.delete(key);
      if (Number.isNaN(since)) continue;
      const lengths = ended.get(key) ?? [];
      const before = lengths.at(-1);
      ended.set(key, [...lengths, nowMs - since]);
      if (before !== undefined) return [before, nowMs - since];
    }
    first = false;
    return undefined;
  };
  return { look, ended: () => [...ended.values()].reduce((sum, lengths) => sum + lengths.length, 0) };
}

function fitting({ baseMs, sweepMs }: EjectionsSpec, [one, two]: Pair): boolean {
  const times = Math.max(1, Math.floor((one + LATE_MS) / baseMs));
  const fits = (ms: number, k: number): boolean => ms >= k * baseMs - LATE_MS && ms <= k * baseMs + sweepMs + LATE_MS;
  return fits(one, times) && fits(two, times + 1);
}
