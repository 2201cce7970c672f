import { z } from 'zod';
import type { ApplyView, MeshView, RequestView } from './views.ts';

/** Number of a push; 0 is the lab's start, before the first. */
const push = z.number().int().min(0).max(100_000);
const requests = z.number().int().min(1).max(200);

/** Who decides whether a push is good: the learner, a share of failed requests, the slowest hundredth, or a check of the lab. */
const judge = z.discriminatedUnion('by', [
  z.object({ by: z.literal('learner') }),
  z.object({ by: z.literal('failures'), atMost: z.number().min(0).max(1) }),
  z.object({ by: z.literal('latency'), atMostMs: z.number().min(1).max(60_000) }),
  z.object({ by: z.literal('check'), check: z.string().max(60) }),
]);
export type Judge = z.infer<typeof judge>;

export const timeTravelSchemas = {
  /** What was on the screen at a moment, or right after a push. Answers MomentView. */
  'time.moment': z.union([z.object({ atMs: z.number() }), z.object({ push })]),
  /** The traffic of each second that is kept. Answers TimeLineView. */
  'time.line': z.object({}),
  /** Makes a push current again: every object that later pushes changed is as it was. Answers ApplyView. */
  'time.restore': z.object({ push }),
  /** Sends the same recorded requests to a second mesh under one push, then under another. Answers ReplayView. */
  'time.replay': z.object({
    from: push,
    to: push,
    requests: requests.default(200),
    /** Only requests that were sent at this moment or before it. */
    untilMs: z.number().optional(),
  }),
  /** Looks for the first bad push between a good one and a bad one. Answers BisectView when it needs the learner, or has found it. */
  'bisect.start': z.object({ good: push, bad: push, judge, requests: requests.default(40) }),
  /** The learner's word on the push that was tried last. */
  'bisect.mark': z.object({ verdict: z.enum(['good', 'bad']) }),
} as const;

export interface ObjectText {
  kind: string;
  namespace: string;
  name: string;
  /** YAML without what the server adds; absent: it was not there. */
  before?: string;
  after?: string;
}

export interface MomentView {
  atMs: number;
  /** The push that was in force. */
  push: number;
  title: string;
  /** Of the newest push. */
  newest: number;
  /** Text of the editor as it had been applied. */
  files: { file: string; text: string }[];
  /** What this push changed. */
  changed: ObjectText[];
  /** What has changed from this push to the present: before is then, after is now. */
  since: ObjectText[];
  mesh?: MeshView;
  requests: RequestView[];
}

export interface TimeLineView {
  seconds: { atMs: number; total: number; failed: number }[];
}

/** One request under one push, as its client and the proxies saw it. */
export interface ReplayOutcome {
  /** 0: no answer. */
  status: number;
  /** Why there was no answer. */
  failure?: string;
  tookMs: number;
  calls: {
    from: string;
    to: string;
    version: string;
    status: number;
    flags: string[];
    attempts: number;
    durationMs: number;
  }[];
}

export interface ReplayRow {
  number: number;
  traffic: string;
  method: string;
  path: string;
  headers: Record<string, string>;
  before: ReplayOutcome;
  after: ReplayOutcome;
  /** answer: status, or none; way: who was called, how often, with which flags; time: more than twice as long, and 50 ms. Empty: the same. */
  differs: ('answer' | 'way' | 'time')[];
}

export interface RunSum {
  requests: number;
  failed: number;
  statuses: Record<string, number>;
  /** Calls by callee and version: `reviews v2`. */
  versions: Record<string, number>;
  /** Calls between services for each request. */
  callsPerRequest: number;
  p50: number;
  p99: number;
}

export interface ReplayView {
  from: number;
  to: number;
  rows: ReplayRow[];
  before: RunSum;
  after: RunSum;
  /** How many were open at a time: one, so that draws repeat exactly, or more where answers are slow. */
  atOnce: number;
  /** Set when the time was up before all had been sent. */
  cut?: string;
}

export interface BisectTry {
  push: number;
  title: string;
  verdict: 'good' | 'bad' | 'asked';
  sum: RunSum;
  /** In words: `3 of 40 failed`. */
  seen: string;
}

export interface BisectView {
  good: number;
  bad: number;
  tries: BisectTry[];
  /** The push that the learner is asked about. */
  asked?: number;
  /** The first bad push. */
  found?: { push: number; title: string; changed: ObjectText[] };
  /** Why it cannot go on: the ends are not what they were said to be. */
  stuck?: string;
}

/** What a long run says while it is under way. */
export interface ProgressEvent {
  type: 'progress';
  of: 'replay' | 'bisect';
  text: string;
  done: number;
  total: number;
}

export interface TimeTravelResults {
  'time.moment': MomentView;
  'time.line': TimeLineView;
  'time.restore': ApplyView;
  'time.replay': ReplayView;
  'bisect.start': BisectView;
  'bisect.mark': BisectView;
}
