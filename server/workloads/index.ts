export type * from './doors.ts';
export { forwardEcho } from './echo/forward/forward-echo.ts';
export { type EchoRequest, MAX_ECHO_REQUESTS } from './echo/forward/request.ts';
export { callUnary, connectionOver } from './grpc/unary-call.ts';
export { createFetch, type Dial, secured, TimeoutError } from './http-client.ts';
export { findImage, imageName, images } from './images.ts';
export { canonicalName } from './net/go-request.ts';
export { decodeFields, encodeFields } from './net/grpc-server.ts';
export { alertForVerdict, peerVerdict, ServerAlert, TLS_ALERTS } from './net/tls-alert.ts';
