export type * from './doors.ts';
export { Headers } from './http/headers.ts';
export { createProxy, createProxyWith, type ProxySeams } from './proxy.ts';
