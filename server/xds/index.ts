export type * from './doors.ts';
export * from './resources.ts';
