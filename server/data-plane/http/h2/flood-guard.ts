import { FRAME_HEADER } from './frame.ts';

/** A kind of frame that costs its sender little and this side something, by what is allowed of it. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

const CHEAP: Allowance = { burst: 1000, perSecond: 1000 };

const ALLOWANCES = {
  /** Streams that are reset by the client (CVE-2023-44487). */
  resets: { burst: 200, perSecond: 100 },
  settings: CHEAP,
  pings: CHEAP,
  'priority frames': CHEAP,
  /** Updates of less than a frame header. */
  'small window updates': CHEAP,
  'unknown frames': CHEAP,
  /** DATA without a byte that ends nothing (CVE-2019-9518). */
  'empty frames': { burst: 500, perSecond: 500 },
  /** Messages that break the rules of HTTP: each costs a reset. */
  'malformed messages': { burst: 200, perSecond: 100 },
} as const satisfies Record<string, Allowance>;

export type FloodKind = keyof typeof ALLOWANCES;

/** A window update below this many bytes counts as small. */
export const SMALL_UPDATE = FRAME_HEADER;

/** Counts what a peer sends to no purpose: a bucket a kind, filled at a steady rate. */
export class FloodGuard {
  readonly #now: () => number;
  readonly #buckets = new Map<FloodKind, { left: number; at: number }>();

  /** `now` is monotonic, in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** False when it was one too many. */
  allows(kind: FloodKind): boolean {
    const { burst, perSecond } = ALLOWANCES[kind];
    const now = this.#now();
    let bucket = this.#buckets.get(kind);
    if (bucket === undefined) {
      bucket = { left: burst, at: now };
      this.#buckets.set(kind, bucket);
    }
    bucket.left = Math.min(burst, bucket.left + ((now - bucket.at) * perSecond) / 1000) - 1;
    bucket.at = now;
    return bucket.left >= 0;
  }
}
