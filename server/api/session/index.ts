export { toErrorView } from '../errors.ts';
export type { FromSandbox, SavedState, ToSandbox } from '../protocol.ts';
export { dispatch } from './dispatch.ts';
export { createLabSession, type LabSession, type LabSessionOptions } from './lab-session.ts';
