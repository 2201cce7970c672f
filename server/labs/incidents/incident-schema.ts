import { z } from 'zod';
import type { CallSpec, ProbeSpec, SolutionStep } from '../lab-schema.ts';

const id = z.string().regex(/^[a-z0-9-]{1,60}$/);
const count = z.number().int().min(0);
const labels = z.record(z.string(), z.string());

/** What befalls the mesh, so many milliseconds after the drill began. Learners see an `apply` as a push of this title; a strain they see nowhere but in its effects. */
const action = z.strictObject({
  afterMs: count,
  /** A folder of the lab, applied by somebody else. */
  apply: z.string().optional(),
  title: z.string().optional(),
  /** Traffic that begins now. */
  send: z.array(id).optional(),
  strain: z
    .strictObject({
      name: id,
      namespace: z.string(),
      labels,
      /** Only the pod of this place among them, by name, from 0. */
      nth: count.optional(),
      /** Settings of the program; empty ends the strain. */
      env: z.record(z.string(), z.string()),
    })
    .optional(),
  /** A program of the mesh begins to write objects, as long as pods of it run. */
  flood: z
    .strictObject({
      /** Its pods. */
      namespace: z.string(),
      labels,
      /** What it writes: a key of a ConfigMap there. `{n}` becomes 1 to `total`, `{round}` the number of the run. */
      template: z.strictObject({ name: z.string(), key: z.string() }),
      /** Objects at a time; the next are written when every proxy has answered. */
      each: count,
      total: count,
    })
    .optional(),
});

/** How a learner proves a cause. One of them is a fact that only the cause explains. */
const proofOf = (call: z.ZodType<CallSpec>) =>
  z.strictObject({
    id,
    title: z.string(),
    /** A request whose trace has such a call, or one of several. */
    request: z.union([call, z.array(call).min(1)]).optional(),
    /** The push that changed this object when the trouble came. */
    push: z.strictObject({ kind: z.string(), name: z.string() }).optional(),
    /** A figure that the lab measures itself, within so much of it. */
    number: z
      .strictObject({
        unit: z.string(),
        /** calls: to a service, for each request of the users. latency: median milliseconds of an edge. bytes: of the largest push to one proxy, in kB. */
        measure: z.enum(['calls', 'latency', 'bytes']),
        from: z.string().optional(),
        to: z.string().optional(),
        within: z.number().min(0).max(1).default(0.2),
        /** A figure up to this is what a healthy mesh shows, and proves nothing. */
        above: z.number().default(0),
      })
      .optional(),
    /** The pod that a strain lies on. */
    pod: z.strictObject({ namespace: z.string(), labels, strain: id }).optional(),
    /** What a peer proved to be, as the access log and the decision path write it. */
    peer: z.strictObject({ from: z.string(), to: z.string() }).optional(),
    /** One of several statements. */
    choice: z.strictObject({ choices: z.array(z.string()).min(3), right: z.string() }).optional(),
    /** Users are well; one change brings the trouble back; taking it away ends it. */
    experiment: z.strictObject({ kind: z.string(), name: z.string() }).optional(),
  });

/** The section `incident` of a lab.yaml. `probe`, `call` and `step` are those of the lab's own schema. */
export const incidentSchema = (parts: {
  readonly probe: z.ZodType<ProbeSpec>;
  readonly call: z.ZodType<CallSpec>;
  readonly step: z.ZodType<SolutionStep>;
}) =>
  z.strictObject({
    /** The message of the pager, and all that a learner is told. */
    page: z.string(),
    /** Traffic of those whose failures burn the budget. */
    users: z.array(id).min(1),
    /** Traffic of others, which the learner's changes must not hurt. */
    others: z.array(id).default([]),
    /** What counts as a failure besides no answer and a status from 500 on. */
    failure: z
      .strictObject({ statuses: z.array(z.number().int()).default([]), slowerThanMs: count.optional() })
      .default({ statuses: [] }),
    /**
     * Somebody changes a small rule again and again: a folder whose `{n}` counts the changes. They are requests of the traffic `deploys`; one fails
     * when the push that brings it makes a proxy take more than so many kilobytes, because then it waits for all of them.
     */
    deploys: z.strictObject({ folder: z.string(), title: z.string(), everyMs: count, limitKb: count }).optional(),
    /** Somebody is paged after so many failures in so many milliseconds. */
    alarm: z.strictObject({ failures: count, ms: count }).default({ failures: 4, ms: 6000 }),
    /** Failed requests that the month has left. */
    budget: count,
    /** Users are safe after so many good answers in a row, over at least so long. */
    calm: z.strictObject({ requests: count, ms: count }).default({ requests: 20, ms: 3000 }),
    /** Minutes: symptom, mitigation after it, cause after that. */
    par: z.strictObject({ symptom: z.number(), mitigation: z.number(), cause: z.number() }),
    schedule: z.array(action).min(1),
    symptom: z.strictObject({
      /** Right answers: an edge (either end may be absent: any) and what is seen on it. */
      accept: z.array(
        z.strictObject({ from: z.string().optional(), to: z.string().optional(), signs: z.array(z.string()).min(1) }),
      ),
      /** Said when it is named right. */
      said: z.string(),
    }),
    remedies: z.array(
      z.strictObject({ id, title: z.string(), detect: parts.probe, steps: z.array(parts.step).min(1) }),
    ),
    /** Changes that do not count although some of them end the errors, and why. */
    wrong: z
      .array(
        z.strictObject({
          id,
          title: z.string(),
          /** Absent: it ends no errors, so nobody takes it for a remedy. */
          detect: parts.probe.optional(),
          /** A restart, which nobody can take back: it is held against those alone who changed nothing but this object. */
          restarts: z.strictObject({ kind: z.string(), name: z.string() }).optional(),
          why: z.string(),
          steps: z.array(parts.step).min(1),
        }),
      )
      .default([]),
    cause: z.strictObject({
      choices: z.array(z.strictObject({ id, text: z.string() })).min(4),
      right: id,
      proofs: z.array(proofOf(parts.call)).min(1),
      explanation: z.string(),
    }),
    hints: z.array(z.string()).min(2),
    /** Starting points for the postmortem's actions. */
    actions: z.array(z.string()).default([]),
  });

export type IncidentSpec = z.infer<ReturnType<typeof incidentSchema>>;
export type ActionSpec = z.infer<typeof action>;
export type ProofSpec = IncidentSpec['cause']['proofs'][number];
