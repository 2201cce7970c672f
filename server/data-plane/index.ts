export type * from './doors.ts';
export { Headers } from './http/headers.ts';
export { connectTcp } from './listener/direct-socket.ts';
export { listenOnTcp } from './listener/listen.ts';
export { createProxy, createProxyWith, type ProxySeams } from './proxy.ts';
