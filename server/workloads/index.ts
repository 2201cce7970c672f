export type * from './doors.ts';
export { createFetch, type Dial, TimeoutError } from './http-client.ts';
export { findImage, imageName, images } from './images.ts';
export { alertForVerdict, peerVerdict, ServerAlert, TLS_ALERTS } from './net/tls-alert.ts';
