import { z } from 'zod';
import type { SpanView } from './views.ts';

export const blameSchemas = {
  /** A fresh round: a mesh of its own with one fault. Answers BlameRound. */
  'blame.next': z.object({}),
  /** Answers whether the fault lies there, and why. */
  'blame.answer': z.object({ number: z.number().int().min(1), part: z.string().max(40) }),
} as const;

export interface BlameRound {
  number: number;
  seconds: number;
  /** One request of the run, the worst. */
  spans: SpanView[];
  edges: {
    from: string;
    to: string;
    /** As the caller's proxy and as the callee's proxy counted them. */
    sent: number;
    received: number;
    failed: number;
    p50: number;
    p99: number;
  }[];
  /** One line of an access log, and whose. */
  log: { of: string; line: string };
  parts: string[];
}

export interface BlameVerdict {
  right: boolean;
  part: string;
  why: string;
}

export interface BlameResults {
  'blame.next': BlameRound;
  'blame.answer': BlameVerdict;
}
