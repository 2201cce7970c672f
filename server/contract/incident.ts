import { z } from 'zod';

const words = z.string().max(200);

export const incidentSchemas = {
  /** Answers IncidentView. */
  'incident.read': z.object({}),
  /** The drill begins: the trouble comes by itself. Untimed: nothing is scored by the clock. */
  'incident.start': z.object({ untimed: z.boolean() }),
  /** Where the trouble shows, and how. Answers whether it is so. */
  'incident.symptom': z.object({ from: words, to: words, sign: words }),
  /** The cause, and what proves it: by the proof's id a request, a push, a pod, a figure or a statement. */
  'incident.cause': z.object({ cause: words, proof: words, value: z.string().max(400) }),
  /** The next hint; each costs a minute. */
  'incident.hint': z.object({}),
  /** Gives up, or ends a drill that is solved: the cause is told, the result stands. */
  'incident.end': z.object({}),
  /** The draft of the postmortem, as Markdown. */
  'incident.postmortem': z.object({}),
} as const;

/** ready: not begun · quiet: begun, nobody was paged yet · paged: users suffer · safe: they do not any more · over */
export type IncidentState = 'ready' | 'quiet' | 'paged' | 'safe' | 'over';

export interface IncidentEntry {
  /** After the page; negative: before it. */
  atMs: number;
  kind: 'page' | 'look' | 'right' | 'wrong' | 'push' | 'hint' | 'safe' | 'back' | 'end';
  text: string;
}

export interface IncidentScore {
  id: 'symptom' | 'mitigation' | 'cause';
  /** Milliseconds after the page (symptom), else after the step before; absent: not yet. With a minute for each hint. */
  tookMs?: number;
  parMs: number;
}

export interface ProofView {
  id: string;
  title: string;
  kind: 'request' | 'push' | 'number' | 'pod' | 'peer' | 'choice' | 'experiment';
  /** What may be chosen; absent where something is typed or picked elsewhere. */
  choices?: string[];
  unit?: string;
  /** An experiment is seen by the lab itself. */
  seen?: boolean;
}

export interface IncidentView {
  state: IncidentState;
  untimed: boolean;
  page: string;
  /** Milliseconds since 1970. */
  pagedMs?: number;
  nowMs: number;
  budget: { failed: number; of: number };
  users: { requests: number; failed: number /** Of the last ten seconds, of 1. */; failingNow: number };
  others: { failed: number };
  pushes: number;
  entries: IncidentEntry[];
  scores: IncidentScore[];
  symptomNamed: boolean;
  causeNamed: boolean;
  /** What can be chosen when a symptom or a cause is named. */
  edges: { from: string; to: string }[];
  signs: string[];
  causes: { id: string; text: string }[];
  proofs: ProofView[];
  hints: { opened: string[]; of: number };
  /** When it is over. */
  result?: IncidentResult;
}

export interface IncidentResult {
  /** Of 100. */
  points: number;
  parts: { title: string; points: number; of: number; why: string }[];
  cause: string;
  explanation: string;
  remedies: string[];
}

export interface IncidentVerdict {
  right: boolean;
  text: string;
  incident: IncidentView;
}

export interface IncidentEvent {
  type: 'incident';
  incident: IncidentView;
}

export interface IncidentResults {
  'incident.read': IncidentView;
  'incident.start': IncidentView;
  'incident.symptom': IncidentVerdict;
  'incident.cause': IncidentVerdict;
  'incident.hint': IncidentView;
  'incident.end': IncidentView;
  'incident.postmortem': { markdown: string };
}
