export type * from './doors.ts';
export { Headers } from './http/headers.ts';
export { listenOnTcp } from './listener/listen.ts';
export { connectTcp } from './listener/pooled-reads.ts';
export { createProxy, createProxyWith, type ProxySeams } from './proxy.ts';
