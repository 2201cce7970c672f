import { z } from 'zod';
import { blameSchemas } from './blame.ts';
import { evidenceSchemas } from './evidence.ts';
import { forecastSchemas } from './forecast.ts';
import { incidentSchemas } from './incident.ts';
import { slowMotionSchemas } from './slow-motion.ts';
import { timeTravelSchemas } from './time-travel.ts';

/**
 * What a browser may ask, over one WebSocket at /api/stream. Each message is `{ id, method, params }`; the answer is
 * `{ id, result }` or `{ id, error: { code, message, hint? } }`. Everything a learner sends is checked here, sizes included.
 */
const fileName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}\.ya?ml$/i, 'a file name such as reviews.yaml');
const file = z.object({ file: fileName, text: z.string().max(1_048_576, 'at most 1 MiB a file') });
const files = z.array(file).max(20);
const terminal = z.string().regex(/^[a-z0-9-]{1,20}$/);

export const requestSchemas = {
  /** Opens a lab: starts or resumes its sandbox. Answers LabState. */
  'lab.open': z.object({ lab: z.string().regex(/^[a-z0-9-]{1,60}$/) }),
  /** Keeps editor text (autosave). Nothing is applied. */
  'files.save': z.object({ files }),
  /** Answers Diagnostic[] for unsaved text. */
  'yaml.validate': z.object({ files }),
  /** Applies all files as one change. Answers ApplyView. */
  'yaml.apply': z.object({ files }),
  /** Takes the last apply back. Answers ApplyView and a `files` event. */
  'yaml.undo': z.object({}),
  /** Back to the lab's start: files, objects, traffic. The learner's text is kept and can be restored once. */
  'yaml.reset': z.object({}),
  'yaml.restore': z.object({}),
  /** The lab's solution files; nothing is applied. */
  'yaml.solution': z.object({}),
  /** Answers ExplanationView for the request with this id. */
  'request.explain': z.object({ request: z.string().regex(/^[0-9a-f]{16}$/) }),
  /** Sends one request as the lab's traffic does, or as given. Answers the RequestView. */
  'request.send': z.object({
    traffic: z.string().max(60).optional(),
    path: z.string().max(2048).optional(),
    headers: z.record(z.string().max(100), z.string().max(4096)).optional(),
  }),
  'traffic.set': z.object({
    traffic: z.string().max(60),
    running: z.boolean(),
    rps: z.number().min(0.1).max(200).optional(),
  }),
  /** Whether the lab server is there; no mesh is asked. */
  'stream.ping': z.object({}),
  'terminal.run': z.object({ terminal, line: z.string().max(8192) }),
  'terminal.interrupt': z.object({ terminal }),
  /** What was run in this terminal before, oldest first: a page that was reloaded goes on with it. */
  'terminal.open': z.object({ terminal }),
  /** The tab is closed: its command ends, its variables and history are forgotten. */
  'terminal.close': z.object({ terminal }),
  /** Answers { from, candidates } for tab completion. */
  'terminal.complete': z.object({ terminal, line: z.string().max(8192), cursor: z.number().int().min(0) }),
  /** Runs the checks that need a run of their own (seeded batches); others run by themselves. */
  'checks.run': z.object({}),
  /** An answer to a check that asks a question. */
  'checks.answer': z.object({ check: z.string().max(60), answer: z.record(z.string().max(100), z.string().max(200)) }),
  /** Answers the next HintView. */
  'hints.next': z.object({}),
  /** Opens the mesh's Kubernetes API for programs on this machine. Answers KubeAccessView. */
  'kube.access': z.object({}),
  /** Answers ProxyDumpView. */
  'proxy.dump': z.object({ pod: z.string().max(253), namespace: z.string().max(63) }),
  ...evidenceSchemas,
  ...timeTravelSchemas,
  ...incidentSchemas,
  ...forecastSchemas,
  ...slowMotionSchemas,
  ...blameSchemas,
} as const;

export type Method = keyof typeof requestSchemas;
export type Params<M extends Method> = z.infer<(typeof requestSchemas)[M]>;

export const requestEnvelope = z.object({
  id: z.number().int().min(0),
  method: z.enum(Object.keys(requestSchemas) as [Method, ...Method[]]),
  params: z.unknown(),
});

export interface ErrorView {
  code: string;
  message: string;
  hint?: string;
}
