import type { Proxy } from '#data-plane';
import type { Program } from './program.ts';

export interface ProxyProgramOptions {
  /** Waits for what the proxy needs first. */
  readonly before: () => Promise<void>;
  /** `onQuit` is for the proxy to call when it is asked to end by itself. */
  readonly create: (onQuit: () => void) => Proxy;
  readonly onProxy: (proxy: Proxy | undefined) => void;
}

/** Runs a proxy as a container's program. */
export function createProxyProgram({ before, create, onProxy }: ProxyProgramOptions): Program {
  const stopping = new AbortController();
  const exit = Promise.withResolvers<number>();
  let proxy: Proxy | undefined;
  const leave = async (drainMs: number): Promise<void> => {
    const leaving = proxy;
    proxy = undefined;
    if (leaving?.ready !== true) stopping.abort();
    await leaving?.stop(drainMs);
    stopping.abort();
    onProxy(undefined);
  };
  return {
    start: async () => {
      await before();
      if (stopping.signal.aborted) return undefined;
      let quits = false;
      proxy = create(() => {
        quits = true;
        void leave(0).then(() => exit.resolve(0), exit.reject);
      });
      onProxy(proxy);
      await proxy.start(stopping.signal).catch((thrown: unknown) => {
        // It may be asked to end before it is ready.
        if (!quits) throw thrown;
      });
      return { exitCode: exit.promise };
    },
    stop: leave,
  };
}
