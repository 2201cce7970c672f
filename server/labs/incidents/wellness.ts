import type { Sending, SentRequest } from '../traffic.ts';
import type { IncidentSpec } from './incident-schema.ts';

/** How the users fare, counted from their own requests. */
export interface Wellness {
  note(sending: Pick<Sending, 'traffic' | 'atMs'>, ended: Pick<SentRequest, 'status' | 'tookMs'>, nowMs: number): void;
  /** Since the drill began. */
  users(): { readonly requests: number; readonly failed: number };
  others(): { readonly failed: number };
  /** Share of the users' requests of the last ten seconds that failed; of the newest, when none has ended since. */
  failingNow(nowMs: number): number;
  /** Enough failures in a short time to wake somebody. */
  alarming(nowMs: number): boolean;
  /** Whether users were well for long enough, counting only requests that began after `sinceMs`. */
  calm(sinceMs: number, nowMs: number): boolean;
  /** Counts begin anew. */
  begin(): void;
}

interface Ended {
  readonly atMs: number;
  readonly endedMs: number;
  readonly good: boolean;
}

const RECENT_MS = 10_000;
const FEW = 3;
const KEPT = 4000;

export function createWellness(spec: IncidentSpec): Wellness {
  let recent: Ended[] = [];
  let users = { requests: 0, failed: 0 };
  let others = { failed: 0 };
  const isGood = ({ status, tookMs }: Pick<SentRequest, 'status' | 'tookMs'>): boolean =>
    status > 0 &&
    status < 500 &&
    !spec.failure.statuses.includes(status) &&
    tookMs <= (spec.failure.slowerThanMs ?? Number.POSITIVE_INFINITY);
  const ownSince = (sinceMs: number): Ended[] => recent.filter(({ endedMs }) => endedMs >= sinceMs);
  return {
    note: ({ traffic, atMs }, ended, nowMs) => {
      const good = isGood(ended);
      if (spec.others.includes(traffic)) {
        if (!good) others = { failed: others.failed + 1 };
        return;
      }
      if (!spec.users.includes(traffic)) return;
      users = { requests: users.requests + 1, failed: users.failed + (good ? 0 : 1) };
      recent.push({ atMs, endedMs: nowMs, good });
      if (recent.length > 2 * KEPT) recent = recent.slice(-KEPT);
    },
    users: () => users,
    others: () => others,
    failingNow: (nowMs) => {
      const lately = ownSince(nowMs - RECENT_MS);
      // What ends rarely is known by its newest ends.
      const own = lately.length > 0 ? lately : recent.slice(-FEW);
      return own.length === 0 ? 0 : own.filter(({ good }) => !good).length / own.length;
    },
    alarming: (nowMs) => ownSince(nowMs - spec.alarm.ms).filter(({ good }) => !good).length >= spec.alarm.failures,
    calm: (sinceMs, nowMs) => {
      const own = recent.filter(({ atMs }) => atMs >= sinceMs);
      const lastBad = own.findLastIndex(({ good }) => !good);
      const good = own.slice(lastBad + 1);
      const fromMs = Math.max(sinceMs, own[lastBad]?.endedMs ?? sinceMs);
      return good.length >= spec.calm.requests && nowMs - fromMs >= spec.calm.ms;
    },
    begin: () => {
      recent = [];
      users = { requests: 0, failed: 0 };
      others = { failed: 0 };
    },
  };
}
