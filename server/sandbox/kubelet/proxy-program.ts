import type { Proxy, ProxyOptions } from '#data-plane';
import type { Program } from './program.ts';

/** How a proxy tells that it ends by itself: it was asked to, or it broke down. */
export type ProxyEnds = Required<Pick<ProxyOptions, 'onQuit' | 'onCrash'>>;

export interface ProxyProgramOptions {
  /** Waits for what the proxy needs first. */
  readonly before: () => Promise<void>;
  readonly create: (ends: ProxyEnds) => Proxy;
  readonly onProxy: (proxy: Proxy | undefined) => void;
}

/** Runs a proxy as a container's program. */
export function createProxyProgram({ before, create, onProxy }: ProxyProgramOptions): Program {
  const stopping = new AbortController();
  const exit = Promise.withResolvers<number>();
  // It may break down while nobody waits for it yet.
  exit.promise.catch(() => undefined);
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
      proxy = create({
        onQuit: () => {
          quits = true;
          void leave(0).then(() => exit.resolve(0), exit.reject);
        },
        onCrash: exit.reject,
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
