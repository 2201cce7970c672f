export type * from './doors.ts';
export { completeWorkloads } from './dry-run/complete-workloads.ts';
export { createDryRun, type DryRun } from './dry-run/dry-run.ts';
export { type ClientView, sendRequest } from './dry-run/request.ts';
export { createTrials, type TrialOutcome, type TrialSource, type Trials } from './dry-run/trials.ts';
export type { PodObject } from './kube-types.ts';
export { hostPort } from './network/host-ports.ts';
export { collectOldEarly } from './old-garbage.ts';
export { createSandbox } from './sandbox.ts';
