export * from './address.ts';
export { Connection, type ConnectionState } from './connection.ts';
export { storedDrafts } from './drafts.ts';
export { LabError, sayError } from './errors.ts';
export { type AppliedFile, type Sheet, writable } from './files.ts';
export { type Bucket, meshAt } from './history.ts';
export { LabClient } from './lab-client.ts';
export type { LabText } from './lab-text.ts';
export { type Outcome, outcomeOf, SLOW_MS, statusText } from './outcome.ts';
export type { ApplyState, Explanation, LabStores, Place, Toast } from './stores.ts';
export {
  browserTimers,
  type Socket,
  type SocketEvents,
  sameOriginTransport,
  type Timers,
  type Transport,
} from './transport.ts';
