export type * from './doors.ts';
export { createSandbox } from './sandbox.ts';
export { createSystemClock } from './system-clock.ts';
