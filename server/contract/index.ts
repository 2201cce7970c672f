// Words that both sides speak: their shapes reach the browser, their code does not.
export type {
  DecisionStage,
  DecisionStep,
  Diagnostic,
  HopRecord,
  Origin,
  RejectedCandidate,
  Severity,
  SourceLocation,
  TextRange,
} from '../domain/index.ts';
export * from './blame.ts';
export * from './evidence.ts';
export * from './forecast.ts';
export * from './incident.ts';
export * from './learner-log.ts';
export * from './messages.ts';
export * from './slow-motion.ts';
export * from './time-travel.ts';
export * from './views.ts';
