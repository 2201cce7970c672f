import { z } from 'zod';

export const slowMotionSchemas = {
  /** The lab's clock: 1 as time goes, 0.1 a tenth, 0 it stands still. Answers InsideView. */
  'clock.set': z.object({ rate: z.union([z.literal(1), z.literal(0.1), z.literal(0)]) }),
  /** Moves a standing clock on: by milliseconds, or to the next thing that happens. Answers InsideView. */
  'clock.step': z.object({ ms: z.number().min(1).max(60_000).optional() }),
  /** What waits inside the proxies now. Answers InsideView. */
  'clock.inside': z.object({}),
} as const;

/** A caller's pool for one cluster, where something is under way or waits. */
export interface PoolView {
  pod: string;
  service: string;
  /** `inventory`, and the subset where there is one. */
  to: string;
  /** Requests that wait in the queue, and those that are under way. */
  waiting: number;
  active: number;
  connections: number;
  limits: { connections?: number; waiting?: number };
}

export interface EjectedView {
  pod: string;
  service: string;
  to: string;
  address: string;
  /** On the lab's clock. */
  outMs: number;
  /** The least time that an ejection lasts. */
  baseMs?: number;
}

export interface PushOnItsWay {
  changeId: string;
  title: string;
  proxies: { pod: string; state: 'waits' | 'sent' | 'acked' | 'nacked'; afterMs?: number }[];
}

export interface InsideView {
  rate: number;
  /** The lab's time, milliseconds since 1970, and how far it is behind. */
  labMs: number;
  lagMs: number;
  pools: PoolView[];
  ejected: EjectedView[];
  push?: PushOnItsWay;
  /** What the last step brought, newest last. */
  happened: string[];
}

export interface SlowMotionResults {
  'clock.set': InsideView;
  'clock.step': InsideView;
  'clock.inside': InsideView;
}
