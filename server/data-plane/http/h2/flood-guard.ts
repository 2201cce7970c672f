import { FRAME_HEADER } from './frame.ts';
import type { Http2Figure } from './http2-counter.ts';

/** A kind of frame that costs its sender little and this side something, by what is allowed of it. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
  /** What one too many is called, in Envoy's words. */
  readonly details: string;
  /** The figure that it moves. */
  readonly figure?: Http2Figure;
}

const CHEAP = { burst: 1000, perSecond: 1000 };
/** A peer for whom more answers wait than Envoy's library keeps. */
export const FLOODED = 'codec_error:Flooding_was_detected_in_this_HTTP/2_session,_and_it_must_be_closed';

const ALLOWANCES = {
  'priority frames': {
    ...CHEAP,
    details: 'codec_error:Too_many_PRIORITY_frames',
    figure: 'inbound_priority_frames_flood',
  },
  /** Updates of less than a frame header. */
  'small window updates': {
    ...CHEAP,
    details: 'codec_error:Too_many_WINDOW_UPDATE_frames',
    figure: 'inbound_window_update_frames_flood',
  },
  /** Messages that break the rules of HTTP: each costs a reset. */
  'malformed messages': { burst: 200, perSecond: 100, details: FLOODED },
} as const satisfies Record<string, Allowance>;

export type FloodKind = keyof typeof ALLOWANCES;

/** Details and figure of a flood. */
export const floodFacts = (kind: FloodKind): Pick<Allowance, 'details' | 'figure'> => ALLOWANCES[kind];

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
