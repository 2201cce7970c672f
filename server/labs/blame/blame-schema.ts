import { z } from 'zod';

const id = z.string().regex(/^[a-z0-9-]{1,60}$/);

/** The parts that a fault can lie in, as the learner chooses among them. */
export const blameParts = [
  'application',
  'client proxy',
  'network',
  'server proxy',
  'control plane',
  'configuration',
] as const;

/** The section `blame` of a lab.yaml: faults, each for a round with a mesh of its own. */
export const blameSchema = z.strictObject({
  traffic: id,
  /** Sent in each round. */
  requests: z.number().int().min(5).max(100),
  rounds: z
    .array(
      z.strictObject({
        id,
        part: z.enum(blameParts),
        /** A folder of the lab that is applied. */
        apply: z.string().optional(),
        strain: z
          .strictObject({
            namespace: z.string(),
            labels: z.record(z.string(), z.string()),
            env: z.record(z.string(), z.string()),
          })
          .optional(),
        /** Why it is that part. */
        tell: z.string(),
      }),
    )
    .min(2),
});

export type BlameSpec = z.infer<typeof blameSchema>;
export type BlameRoundSpec = BlameSpec['rounds'][number];
