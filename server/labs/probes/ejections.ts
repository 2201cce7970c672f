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

/**
 * Keeps requests coming and times how long the caller's proxy leaves out an endpoint, until two ejections of one endpoint in a row have
 * ended. Met when they last k and k + 1 base times, each ended by the first sweep after that.
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
  while (sandbox.clock.monotonic() - beganMs < spec.limitMs) {
    const now = sandbox.clock.monotonic();
    const lengths = watch.look(now);
    if (lengths) {
      await Promise.all(open);
      return judge(spec, lengths);
    }
    if (now >= nextMs) {
      open.push(traffic.send(spec.traffic));
      nextMs = Math.max(nextMs + everyMs, now);
    }
    await new Promise<void>((resolve) => sandbox.clock.after(POLL_MS, resolve));
  }
  await Promise.all(open);
  return { met: false, seen: `${watch.ended()} ejections began and ended in ${spec.limitMs / 1000} s.` };
}

interface Watch {
  /** Lengths of the first two ejections in a row of one endpoint, once both have ended. */
  look(nowMs: number): readonly [number, number] | undefined;
  ended(): number;
}

function createWatch({ namespace, labels, host }: EjectionsSpec, sandbox: Sandbox): Watch {
  const began = new Map<string, number>();
  const ended = new Map<string, number[]>();
  let first = true;
  const look = (nowMs: number): readonly [number, number] | undefined => {
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
      const lengths = [...(ended.get(key) ?? []), nowMs - since];
      ended.set(key, lengths);
      const [one, two] = lengths;
      if (one !== undefined && two !== undefined) return [one, two];
    }
    first = false;
    return undefined;
  };
  return { look, ended: () => [...ended.values()].reduce((sum, lengths) => sum + lengths.length, 0) };
}

function judge({ baseMs, sweepMs }: EjectionsSpec, [one, two]: readonly [number, number]): EjectionsVerdict {
  const times = Math.max(1, Math.floor((one + LATE_MS) / baseMs));
  const fits = (ms: number, k: number): boolean => ms >= k * baseMs - LATE_MS && ms <= k * baseMs + sweepMs + LATE_MS;
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  return {
    met: fits(one, times) && fits(two, times + 1),
    seen: `An endpoint was out for ${seconds(one)} s, then for ${seconds(two)} s.`,
  };
}
