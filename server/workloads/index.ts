export type * from './doors.ts';
export { createFetch, type Dial, TimeoutError } from './http-client.ts';
export { findImage, imageName, images } from './images.ts';
