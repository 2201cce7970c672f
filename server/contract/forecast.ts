import { z } from 'zod';
import type { RunSum } from './time-travel.ts';

const share = z.number().min(0).max(100);

export const forecastSchemas = {
  /** A run of the lab's traffic after a forecast was committed. Answers ForecastRunView. */
  'forecast.run': z.object({
    traffic: z.string().max(60),
    requests: z.number().int().min(10).max(500),
    path: z.string().max(2048).optional(),
    headers: z.record(z.string().max(100), z.string().max(4096)).optional(),
    /** How many are open at a time; a burst opens all. */
    atOnce: z.number().int().min(1).max(200).default(4),
    /** Percent of requests by status, `none` for no answer. */
    statuses: z.record(z.string().regex(/^(\d{3}|none)$/), share),
    /** Percent of the calls to a service by its version. */
    split: z.object({ service: z.string().max(100), versions: z.record(z.string().max(60), share) }).optional(),
    /** Milliseconds: the median, and the slowest hundredth. */
    p50: z.number().min(0).max(120_000).optional(),
    p99: z.number().min(0).max(120_000).optional(),
  }),
} as const;

/** One figure that was said before, beside what the run came to. */
export interface ForecastLine {
  id: string;
  /** `200`, `reviews v2`, `p50`. */
  name: string;
  kind: 'status' | 'split' | 'latency';
  /** Percent, or milliseconds for a latency. */
  unit: '%' | 'ms';
  said: number;
  was: number;
  /** Within ten points; a latency within a third. */
  close: boolean;
}

export interface ForecastRunView {
  requests: number;
  lines: ForecastLine[];
  sum: RunSum;
  tookMs: number;
}

export interface ForecastResults {
  'forecast.run': ForecastRunView;
}
