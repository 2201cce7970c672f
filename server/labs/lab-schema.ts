import { z } from 'zod';
import { blameSchema } from './blame/blame-schema.ts';
import { incidentSchema } from './incidents/incident-schema.ts';
import {
  bareAnswersSchema,
  certificateSchema,
  commandSchema,
  firstFlagSchema,
  peerCertificatesSchema,
  proxyTrustSchema,
  replacedSchema,
  steadySchema,
} from './probes/identity-schema.ts';
import { type MeasuredProbe, measuredSchema } from './probes/measured.ts';

/** The format of labs/<id>/lab.yaml. Everything that a lab promises is in its folder: topology, start, solution, wrong answers, checks. */

const id = z.string().regex(/^[a-z0-9-]{1,60}$/);
const count = z.number().int().min(0);
const labels = z.record(z.string(), z.string());

/** How many of a batch are wanted. */
const bounds = { min: count.optional(), max: count.optional() };

/** A call inside a request's trace: from and to are services; version is the callee's; flag is a response flag on it. */
const call = z.strictObject({
  from: z.string().optional(),
  to: z.string(),
  version: z.string().optional(),
  flag: z.string().optional(),
  anyFlag: z.boolean().optional(),
  reporter: z.enum(['source', 'destination']).optional(),
  status: z.number().int().optional(),
  /** Whether the call arrived over mutual TLS, as that proxy saw it. */
  mtls: z.boolean().optional(),
  /** Request headers as that proxy recorded them. */
  header: z.record(z.string(), z.string()).optional(),
  /** Path and query as that proxy sent them on. */
  path: z.string().optional(),
  /** Text that the proxy's access log line contains. */
  log: z.string().optional(),
  /** It began after the first call to this service had ended for its caller. */
  afterCallTo: z.string().optional(),
  /** It ended after the first call to a version of its service had ended for its caller. */
  outlives: z.strictObject({ version: z.string() }).optional(),
  /** How many tries the proxy made for it. */
  attempts: count.optional(),
  /** How long it lasted at that proxy. */
  took: z.strictObject({ minMs: count.optional(), maxMs: count.optional() }).optional(),
});

/** Which requests of a batch an expectation counts. All that is given must hold. */
const outcome = z.strictObject({
  status: z.number().int().optional(),
  /** How a request without an answer ended: its connection was cut, the server refused the TLS handshake, or the client's own limit passed. */
  failure: z.enum(['reset', 'tls-alert', 'timeout']).optional(),
  /** Response header as the client saw it. */
  header: z.record(z.string(), z.string()).optional(),
  /** The same by regular expression. */
  headerLike: z.record(z.string(), z.string()).optional(),
  /** A name in the certificate that the server showed the client: `DNS:shop.example`. */
  serverName: z.string().optional(),
  /** Hops of the request's own trace: each proxy that it passes makes one. */
  spans: z.strictObject(bounds).optional(),
  /** How long the client waited for the whole answer. */
  took: z.strictObject({ minMs: count.optional(), maxMs: count.optional() }).optional(),
  /** `calls`: counts every such call of the batch, tries and copies too, not the requests that made them. */
  count: z.enum(['requests', 'calls']).optional(),
  call: call.optional(),
  ...bounds,
});

/** A counter of proxies, summed over the chosen pods and over all counters whose name fits the regular expression. */
const counter = z.strictObject({ namespace: z.string(), labels, name: z.string(), ...bounds });

/** Lines that the programs of the chosen pods write while a batch runs. */
const loggedLines = z.strictObject({
  namespace: z.string(),
  labels,
  /** Absent: every container's. */
  container: z.string().optional(),
  /** A regular expression. */
  line: z.string(),
  /** What a line stands for, in the learner's words. */
  named: z.string().optional(),
  /** Each line of the entry of this name allows `each` more than `max`: what comes again and again while a batch lasts. */
  more: z.strictObject({ named: z.string(), each: count }).optional(),
  /** How many of them each of the chosen pods writes, fewest to most. */
  perPod: z.array(z.strictObject(bounds)).optional(),
  /** No stretch of `slotMs` holds more than this share of the lines. */
  spread: z.strictObject({ slotMs: z.number().int().min(10), maxPercent: count }).optional(),
  ...bounds,
});

/** Sends seeded requests of a traffic and counts outcomes. */
const batch = z.strictObject({
  /** Several: `requests` of each, one traffic after the other, counted together. */
  traffic: z.union([id, z.array(id).min(1)]),
  requests: z.number().int().min(1).max(5000),
  /** In values, `{n}` is the request's number in the batch, from 1; `{run}` is another number for each batch. */
  headers: z.record(z.string(), z.string()).optional(),
  /** Instead of the traffic's own path. */
  path: z.string().optional(),
  /** How many are open at a time; a burst opens all. */
  atOnce: z.number().int().min(1).max(500).optional(),
  /** Begins when so much time has passed since the last batch of an earlier check: buckets fill, windows end. */
  rested: z.strictObject({ since: id, ms: count }).optional(),
  /** Begins one every 1/rps seconds, however many are open. */
  rps: z.number().min(1).max(500).optional(),
  expect: z.array(outcome).default([]),
  /** By how much a counter moves while the batch runs. */
  stats: z.array(counter).optional(),
  lines: z.array(loggedLines).optional(),
  certificates: z.array(peerCertificatesSchema).optional(),
  /** How many pods of a service the requests reach. */
  pods: z.array(z.strictObject({ to: z.string(), ...bounds })).optional(),
  /** Requests that reach another pod of `to` than the request of the same number did when the check `since` was met. */
  moved: z.strictObject({ to: z.string(), since: id, ...bounds }).optional(),
  /** The batch takes at most this share of the time that the last batch of an earlier check took. */
  /** Tells the median and the p99 of the batch. */
  quantiles: z.boolean().optional(),
  /** The fastest tenth of the batch takes longer than that of the last batch of an earlier check. */
  slower: z.strictObject({ than: id }).optional(),
  /** It takes at most this share of the time that the fastest tenth of that batch took. */
  quicker: z.strictObject({ than: id, maxPercent: count }).optional(),
  lasts: z.strictObject({ against: id, maxPercent: count }).optional(),
  /** Other traces of so many hops that begin while the batch runs. */
  otherTraces: z.strictObject({ spans: count, ...bounds }).optional(),
});

/** Requests that make a caller's proxy eject an endpoint of `host` twice in a row: k, then k + 1 base times, each until the next sweep. */
const ejections = z.strictObject({
  traffic: id,
  rps: z.number().min(1).max(200),
  /** The caller. */
  namespace: z.string(),
  labels,
  host: z.string(),
  baseMs: count,
  sweepMs: count,
  limitMs: count,
});

/** A field condition on stored objects; true when some object (and some item of `each`, where given) has all of it. */
const object = z.strictObject({
  kind: z.string(),
  namespace: z.string().optional(),
  notNamespace: z.string().optional(),
  name: z.string().optional(),
  /** A list inside the object whose items are looked at one by one: `spec.http`. */
  each: z.string().optional(),
  /** Beside `each`: paths of the object itself and what their value must be, as text. */
  whole: z.record(z.string(), z.string()).optional(),
  /** Paths that must exist. */
  has: z.array(z.string()).optional(),
  /** Paths that must not exist. */
  lacks: z.array(z.string()).optional(),
  /** Paths and what their value, or one item of their list, must be, as text. */
  equals: z.record(z.string(), z.string()).optional(),
  /** Paths and the text that their value must contain. */
  contains: z.record(z.string(), z.string()).optional(),
  /** Paths and a regular expression that some value there must fit. */
  fits: z.record(z.string(), z.string()).optional(),
  /** Text that stands anywhere in it. */
  mentions: z.string().optional(),
  /** Exactly so many such objects; absent: at least one. */
  count: count.optional(),
});

/** Compares a duration field of an object with another one, or with a duration: `is` says what the first one is. */
const durationField = z.strictObject({ kind: z.string(), namespace: z.string(), name: z.string(), path: z.string() });
const durations = z.strictObject({
  of: durationField,
  is: z.enum(['shorter', 'equal', 'longer']),
  than: z.union([z.string(), durationField]),
});

/** How many clusters each of the chosen pods' proxies holds, and how long they are as `istioctl proxy-config clusters -o json` prints them. */
const clusters = z.strictObject({ namespace: z.string(), labels, ...bounds, maxBytes: count.optional() });

/** What the terminal's xDS client and istiod know of each other. All that is given must hold. */
const xds = z.strictObject({
  /** The state of these types at istiod, as `istioctl proxy-status` has it. */
  status: z.record(z.string(), z.enum(['SYNCED', 'STALE', 'ERROR', 'NOT SENT'])).optional(),
  /** Some push moved exactly these types, and each of its responses was answered so. */
  pushed: z.strictObject({ types: z.array(z.string()).min(1), answer: z.enum(['acked', 'nacked']) }).optional(),
  /** A type whose latest response was refused, while an earlier version is still in use. */
  keepsOldAfterNack: z.string().optional(),
  /** An answer was sent with a nonce that was not the latest. */
  staleAnswer: z.boolean().optional(),
  /** The state of a type at the proxies of the pods with these labels. */
  beside: z.strictObject({ labels, type: z.string(), is: z.string() }).optional(),
});

export interface ProbeSpec {
  readonly all?: readonly ProbeSpec[] | undefined;
  readonly any?: readonly ProbeSpec[] | undefined;
  readonly not?: ProbeSpec | undefined;
  readonly batch?: z.infer<typeof batch> | undefined;
  readonly ejections?: z.infer<typeof ejections> | undefined;
  readonly commands?: readonly z.infer<typeof commandSchema>[] | undefined;
  readonly measured?: readonly MeasuredProbe[] | undefined;
  readonly certificate?: z.infer<typeof certificateSchema> | undefined;
  readonly proxyTrust?: z.infer<typeof proxyTrustSchema> | undefined;
  readonly steady?: z.infer<typeof steadySchema> | undefined;
  readonly bareAnswers?: z.infer<typeof bareAnswersSchema> | undefined;
  readonly replaced?: z.infer<typeof replacedSchema> | undefined;
  readonly firstFlag?: z.infer<typeof firstFlagSchema> | undefined;
  readonly object?: z.infer<typeof object> | undefined;
  readonly namespaceLabel?: { readonly namespace: string; readonly label: string; readonly value: string } | undefined;
  readonly pods?: z.infer<typeof pods> | undefined;
  readonly subsets?:
    | { readonly host: string; readonly namespace: string; readonly names: readonly string[] }
    | undefined;
  readonly undefinedSubset?: { readonly host: string; readonly namespace: string } | undefined;
  readonly replicaRatio?: { readonly many: string; readonly few: string; readonly atLeast: number } | undefined;
  readonly listens?: { readonly app: string; readonly ip: string; readonly port: number } | undefined;
  readonly controlPlane?: 'running' | 'stopped' | undefined;
  readonly ruleWaits?: { readonly kind: string } | undefined;
  readonly counter?: z.infer<typeof counter> | undefined;
  readonly durations?: z.infer<typeof durations> | undefined;
  readonly repeatedDestination?: { readonly host: string } | undefined;
  readonly analysis?: { readonly without: readonly string[] } | undefined;
  readonly clusters?: z.infer<typeof clusters> | undefined;
  readonly xds?: z.infer<typeof xds> | undefined;
  readonly typed?: { readonly line: string } | undefined;
  readonly answered?: { readonly check: string; readonly choices: Readonly<Record<string, string>> } | undefined;
  readonly answers?: Readonly<Record<string, string>> | undefined;
}

const pods = z.strictObject({
  namespace: z.string(),
  labels: labels.optional(),
  /** Containers that are ready, of containers in all, for every such pod. */
  ready: count.optional(),
  of: count.optional(),
  init: z.string().optional(),
  /** No pod of these was made after the lab's start. */
  sameAsAtStart: z.boolean().optional(),
});

const probe: z.ZodType<ProbeSpec> = z.lazy(() =>
  z.strictObject({
    all: z.array(probe).optional(),
    /** One of these holds; states only. */
    any: z.array(probe).min(1).optional(),
    not: probe.optional(),
    batch: batch.optional(),
    ejections: ejections.optional(),
    commands: z.array(commandSchema).min(1).optional(),
    measured: z.array(measuredSchema).min(1).optional(),
    certificate: certificateSchema.optional(),
    proxyTrust: proxyTrustSchema.optional(),
    steady: steadySchema.optional(),
    bareAnswers: bareAnswersSchema.optional(),
    replaced: replacedSchema.optional(),
    firstFlag: firstFlagSchema.optional(),
    object: object.optional(),
    namespaceLabel: z.strictObject({ namespace: z.string(), label: z.string(), value: z.string() }).optional(),
    pods: pods.optional(),
    subsets: z.strictObject({ host: z.string(), namespace: z.string(), names: z.array(z.string()) }).optional(),
    undefinedSubset: z.strictObject({ host: z.string(), namespace: z.string() }).optional(),
    replicaRatio: z.strictObject({ many: z.string(), few: z.string(), atLeast: z.number() }).optional(),
    listens: z.strictObject({ app: z.string(), ip: z.string(), port: count }).optional(),
    controlPlane: z.enum(['running', 'stopped']).optional(),
    ruleWaits: z.strictObject({ kind: z.string() }).optional(),
    counter: counter.optional(),
    durations: durations.optional(),
    /** A route that lists one destination, host and subset, more than once. */
    repeatedDestination: z.strictObject({ host: z.string() }).optional(),
    /** `istioctl analyze` of the mesh as it is tells none of these codes. */
    analysis: z.strictObject({ without: z.array(z.string()).min(1) }).optional(),
    clusters: clusters.optional(),
    xds: xds.optional(),
    /** The newest line of some terminal fits this regular expression. */
    typed: z.strictObject({ line: z.string() }).optional(),
    /** What the learner last chose for these items of a check's question. */
    answered: z.strictObject({ check: id, choices: z.record(z.string(), z.string()) }).optional(),
    answers: z.record(z.string(), z.string()).optional(),
  }),
);

const check = z.strictObject({
  id,
  title: z.string(),
  objective: z.string().regex(/^D\d+\.\d+$/),
  /** Checks that must be met first. */
  needs: z.array(id).default([]),
  probe,
  wanted: z.string(),
  look: z.string(),
  /** The check asks: one choice for each item; `probe.answers` holds the right ones. */
  question: z
    .strictObject({
      prompt: z.string(),
      items: z.array(z.string()),
      choices: z.array(z.string()),
      /** Any choice will do: the run tells later whether it was right. */
      forecast: z.boolean().optional(),
    })
    .optional(),
  /** A question, where to look, a worked sibling. */
  hints: z.array(z.string()).min(1),
});

const wrong = z.strictObject({
  id,
  belief: z.string(),
  /** What the learner did, seen in the mesh, not in the text. */
  detect: probe,
  question: z.string(),
});

const step = z.union([
  z.strictObject({ apply: z.string() }),
  z.strictObject({ run: z.string() }),
  z.strictObject({ check: id }),
  /** Waits for a state that comes by itself, such as a renewed certificate. */
  z.strictObject({ until: probe, limitMs: count.default(60_000) }),
  /** Makes the push of this number current again, by the time bar. */
  z.strictObject({ restore: count }),
  z.strictObject({ answer: z.strictObject({ check: id, choices: z.record(z.string(), z.string()) }) }),
]);

const traffic = z.strictObject({
  id,
  title: z.string(),
  /** A pod by its labels; `outside`: through the ingress gateway; or from outside through a gateway by its name. */
  from: z.union([
    z.literal('outside'),
    z.strictObject({ namespace: z.string(), labels }),
    z.strictObject({ gateway: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/), port: z.number().int() }),
  ]),
  method: z.string().default('GET'),
  /** From outside only the path is used. */
  url: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  /** For an https URL: what the client shows and trusts. */
  tls: z
    .strictObject({
      /** A TLS Secret of the sender's namespace (outside: `default`), whose certificate the client shows. */
      secret: z.string().optional(),
      /** A ConfigMap there whose `ca.crt` holds the client's roots; absent: every server certificate will do. */
      roots: z.string().optional(),
    })
    .optional(),
  rps: z.number().min(0.1).max(200),
  running: z.boolean().default(true),
  timeoutMs: z.number().default(15_000),
});

export const labSchema = z.strictObject({
  id,
  title: z.string(),
  day: z.number().int().min(1).max(28),
  minutes: z.number().int(),
  goal: z.string(),
  topologySentence: z.string().optional(),
  /** Terms that the lab uses, by glossary id. */
  terms: z.array(z.string()).default([]),
  ingress: z.boolean().default(false),
  namespace: z.string().default('default'),
  /** Numbers that the text claims; the lab's test asserts them. */
  proves: z.string(),
  traffic: z.array(traffic).default([]),
  checks: z.array(check).default([]),
  wrong: z.array(wrong).default([]),
  solution: z.array(step).default([]),
  /** Runs that a wrong answer needs besides its files. */
  wrongSteps: z.record(z.string(), z.array(step)).default({}),
  /** Makes the lab an incident: trouble that comes by itself, and is to be found. */
  incident: incidentSchema({ probe, call, step }).optional(),
  /** Rounds of the blame game. */
  blame: blameSchema.optional(),
});

export type LabSpec = z.infer<typeof labSchema>;
export type CheckSpec = LabSpec['checks'][number];
export type TrafficSpec = LabSpec['traffic'][number];
export type SolutionStep = z.infer<typeof step>;
export type EjectionsSpec = z.infer<typeof ejections>;
export type BatchSpec = z.infer<typeof batch>;
export type OutcomeSpec = z.infer<typeof outcome>;
export type CallSpec = z.infer<typeof call>;
