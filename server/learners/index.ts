export type { LearnerLog } from './learner-log.ts';
export { type LearnerStore, openLearnerStore } from './learner-store.ts';
