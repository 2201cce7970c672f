export { createEnvoyProxy, type EnvoyProxyOptions } from './envoy-proxy.ts';
export { findEnvoy } from './find-envoy.ts';
