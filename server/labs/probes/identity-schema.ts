import { z } from 'zod';

const labels = z.record(z.string(), z.string());

/** A PEM text inside a stored Secret or ConfigMap. */
const pemSource = z.strictObject({
  kind: z.enum(['Secret', 'ConfigMap']),
  namespace: z.string(),
  name: z.string(),
  key: z.string(),
});

/** What a stored certificate is, by openssl's rules; false when there is none. */
export const certificateSchema = z.strictObject({
  in: pemSource,
  /** Roots that must vouch for it. */
  roots: pemSource.optional(),
  /** The bundle of roots holds exactly so many. */
  rootCount: z.number().int().min(1).optional(),
  /** A DNS name that stands in its subject alternative names. */
  dns: z.string().optional(),
  /** It has no subject alternative name at all, and this common name. */
  onlyCommonName: z.string().optional(),
  /** Whether its time is over; absent: it is valid now. */
  expired: z.boolean().default(false),
});

/** A script that a container of the first such pod runs, and how it ends. */
export const commandSchema = z.strictObject({
  namespace: z.string(),
  labels,
  /** Absent: the pod's first. */
  container: z.string().optional(),
  run: z.string(),
  exit: z.number().int().min(0).max(255).default(0),
  /** A regular expression over what it writes. */
  output: z.string().optional(),
  /** How often, one after the other; each must end so. */
  times: z.number().int().min(1).max(100).default(1),
  /** What it is, in the learner's words. */
  named: z.string(),
});

export type CertificateProbe = z.infer<typeof certificateSchema>;
export type CommandProbe = z.infer<typeof commandSchema>;
export type PemSource = z.infer<typeof pemSource>;
