export { type LearnerStore, openLearnerStore } from './learner-store.ts';
