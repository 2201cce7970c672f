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

const count = z.number().int().min(0);

/** What the proxies of pods hold by SDS; all of them must. */
export const proxyTrustSchema = z.strictObject({
  namespace: z.string(),
  labels,
  /** How many roots their trust bundle has. */
  roots: count,
  /** Where the roots stand that must vouch for their own certificate. */
  vouchedBy: pemSource.optional(),
});

/** What became of a traffic's steady requests since a check was met. */
export const steadySchema = z.strictObject({
  traffic: z.string(),
  since: z.string(),
  sent: count,
  /** Most that may have ended without an answer, or with 500 and above. */
  failed: count.default(0),
});

/** Answers with 200 that lack a header, among the steady requests since the newest of some pods was made. */
export const bareAnswersSchema = z.strictObject({
  traffic: z.string(),
  since: z.strictObject({ namespace: z.string(), labels }),
  lacks: z.string(),
  min: count.optional(),
  max: count.optional(),
  /** So many answers of any kind must have come meanwhile. */
  of: count,
});

/** None of these pods was there when a check was met. */
export const replacedSchema = z.strictObject({ namespace: z.string(), labels, since: z.string() });

/** The first call with a flag comes when the learner said: a time in a ConfigMap, written before it happened. */
export const firstFlagSchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  flag: z.string(),
  forecast: z.strictObject({ namespace: z.string(), name: z.string(), key: z.string() }),
  withinMs: count,
  limitMs: count,
});

/** How many different certificates, and names in them, the callers of a service saw during a batch. */
export const peerCertificatesSchema = z.strictObject({
  to: z.string(),
  serials: z.strictObject({ min: count.optional(), max: count.optional() }).optional(),
  names: z.strictObject({ min: count.optional(), max: count.optional() }).optional(),
});

export type ProxyTrustProbe = z.infer<typeof proxyTrustSchema>;
export type SteadyProbe = z.infer<typeof steadySchema>;
export type BareAnswersProbe = z.infer<typeof bareAnswersSchema>;
export type FirstFlagProbe = z.infer<typeof firstFlagSchema>;
export type PeerCertificates = z.infer<typeof peerCertificatesSchema>;
export type CertificateProbe = z.infer<typeof certificateSchema>;
export type CommandProbe = z.infer<typeof commandSchema>;
export type PemSource = z.infer<typeof pemSource>;
