import type { Proxy } from '#data-plane';
import type { Program } from './program.ts';

export interface ProxyProgramOptions {
  /** Waits for what the proxy needs first. */
  readonly before: () => Promise<void>;
  readonly create: () => Proxy;
  readonly onProxy: (proxy: Proxy | undefined) => void;
}

/** Runs a proxy as a container's program. */
export function createProxyProgram({ before, create, onProxy }: ProxyProgramOptions): Program {
  const stopping = new AbortController();
  let proxy: Proxy | undefined;
  return {
    start: async () => {
      await before();
      if (stopping.signal.aborted) return;
      proxy = create();
      onProxy(proxy);
      await proxy.start(stopping.signal);
    },
    stop: async (drainMs) => {
      const leaving = proxy;
      proxy = undefined;
      if (leaving?.ready !== true) stopping.abort();
      await leaving?.stop(drainMs);
      stopping.abort();
      onProxy(undefined);
    },
  };
}
