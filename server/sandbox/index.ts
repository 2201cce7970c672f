export type * from './doors.ts';
export { createSystemClock } from './system-clock.ts';
