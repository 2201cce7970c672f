export type * from './doors.ts';
export { Headers } from './http/headers.ts';
