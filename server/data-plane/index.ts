export type * from './doors.ts';
export { Headers } from './http/headers.ts';
export { createProxy } from './proxy.ts';
