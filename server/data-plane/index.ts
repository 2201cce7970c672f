export { Agent } from './agent/agent.ts';
export { SecretStore } from './agent/secret-store.ts';
export type * from './doors.ts';
export { Headers } from './http/headers.ts';
export { connectTcp } from './listener/direct-socket.ts';
export { listenOnTcp } from './listener/listen.ts';
export { readProxyHeader } from './listener/proxy-header.ts';
export { createProxy, createProxyWith, type ProxySeams } from './proxy.ts';
export { xdsNode } from './self.ts';
