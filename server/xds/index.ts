export { decodeResource, encodeResource } from './codec/codec.ts';
export type * from './doors.ts';
export * from './resources.ts';
