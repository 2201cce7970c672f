import { parse } from 'yaml';
import { z } from 'zod';
import { errorMessage } from '#domain';
import { durationMs } from './promql/index.ts';
import { relabelSchema } from './relabel.ts';

const duration = z.string().transform((text, context) => {
  const ms = durationMs(text);
  if (ms === undefined) context.addIssue({ code: 'custom', message: `not a valid duration string: "${text}"` });
  return ms ?? 0;
});

const job = z.object({
  job_name: z.string().min(1),
  scrape_interval: duration.optional(),
  scrape_timeout: duration.optional(),
  metrics_path: z.string().default('/metrics'),
  scheme: z.string().default('http'),
  honor_labels: z.boolean().default(false),
  static_configs: z
    .array(z.object({ targets: z.array(z.string()).default([]), labels: z.record(z.string(), z.string()).default({}) }))
    .default([]),
  dns_sd_configs: z
    .array(z.object({ names: z.array(z.string()), type: z.string().default('SRV'), port: z.number().int().optional() }))
    .default([]),
  kubernetes_sd_configs: z
    .array(z.object({ role: z.string(), namespaces: z.object({ names: z.array(z.string()).default([]) }).optional() }))
    .default([]),
  relabel_configs: z.array(relabelSchema).default([]),
  metric_relabel_configs: z.array(relabelSchema).default([]),
});

const schema = z.object({
  global: z.object({ scrape_interval: duration.optional(), scrape_timeout: duration.optional() }).default({}),
  scrape_configs: z.array(job).default([]),
});

export type ScrapeJob = z.infer<typeof job> & { readonly intervalMs: number; readonly timeoutMs: number };

const MINUTE_MS = 60_000;
const DEFAULT_TIMEOUT_MS = 10_000;
/** A lab's clock may be driven fast, but nobody needs more often. */
const LEAST_INTERVAL_MS = 200;

/**
 * The jobs of a prometheus.yml; throws where it cannot be read. Of service discovery there are static, DNS and the pods of Kubernetes. What else
 * Prometheus knows (rules, alerting, remote storage) is passed over.
 */
export function readConfig(text: string): readonly ScrapeJob[] {
  let raw: unknown;
  try {
    raw = parse(text) ?? {};
  } catch (thrown) {
    throw new Error(`yaml: ${errorMessage(thrown)}`);
  }
  const { data, error } = schema.safeParse(raw);
  if (data === undefined) {
    const [issue] = error.issues;
    throw new Error(`${issue?.path.join('.')}: ${issue?.message}`);
  }
  const names = data.scrape_configs.map(({ job_name }) => job_name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`found multiple scrape configs with job name "${twice}"`);
  const { global } = data;
  return data.scrape_configs.map((each) => {
    const intervalMs = Math.max(LEAST_INTERVAL_MS, each.scrape_interval ?? global.scrape_interval ?? MINUTE_MS);
    const timeoutMs = each.scrape_timeout ?? global.scrape_timeout ?? DEFAULT_TIMEOUT_MS;
    return { ...each, intervalMs, timeoutMs: Math.min(timeoutMs, intervalMs) };
  });
}
