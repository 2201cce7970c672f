import type { Sandbox } from '#sandbox';
import { valueAt } from './fields.ts';
import type { FirstFlagProbe } from './identity-schema.ts';

export interface FirstFlagVerdict {
  readonly met: boolean;
  readonly seen: string;
}

const NEWEST = 20_000;

/** Waits for the first call with the flag since the forecast was written, and compares the two times. */
export async function watchFirstFlag(spec: FirstFlagProbe, sandbox: Sandbox): Promise<FirstFlagVerdict> {
  const { forecast, flag, limitMs, withinMs } = spec;
  const stored = sandbox.store.get('ConfigMap', forecast);
  const text = (stored?.['data'] as Readonly<Record<string, string>> | undefined)?.[forecast.key];
  if (stored === undefined || text === undefined)
    return { met: false, seen: `There is no ConfigMap ${forecast.name} with ${forecast.key} yet.` };
  const saidMs = Date.parse(text.trim().replace(/^notAfter=/, ''));
  if (Number.isNaN(saidMs))
    return {
      met: false,
      seen: `"${text.trim()}" is no time. Write it as openssl prints it, or as 2026-01-31T12:00:00Z.`,
    };
  const writtenMs = Math.max(
    ...[stored.metadata.creationTimestamp, ...valueAt(stored, 'metadata.managedFields.time')]
      .map((time) => Date.parse(String(time)))
      .filter((ms) => ms > 0),
  );
  const find = () =>
    sandbox.hops
      .requests(NEWEST)
      .filter(
        ({ source, destination, flags, startMs }) =>
          source.service === spec.from &&
          destination.service === spec.to &&
          flags.includes(flag) &&
          startMs >= writtenMs,
      )
      .reduce<number | undefined>(
        (first, { startMs }) => (first === undefined ? startMs : Math.min(first, startMs)),
        undefined,
      );
  await sandbox.until(() => find() !== undefined, limitMs, `the first ${flag}`).catch(() => undefined);
  const cameMs = find();
  if (cameMs === undefined)
    return { met: false, seen: `No call of ${spec.from} has ended with ${flag} since you wrote your forecast.` };
  const offSeconds = (cameMs - saidMs) / 1000;
  const seen = `You said ${clockText(saidMs)}; the first ${flag} came at ${clockText(cameMs)}, ${Math.abs(offSeconds).toFixed(1)} s ${offSeconds < 0 ? 'earlier' : 'later'}.`;
  return { met: Math.abs(cameMs - saidMs) <= withinMs, seen };
}

const clockText = (ms: number): string => new Date(ms).toISOString().slice(11, 19);
