import type { Proxy, ProxyOptions } from '#data-plane';
import type { Program } from './program.ts';

/** How a proxy tells that it ends by itself: it was asked to, or it broke down. */
export type ProxyEnds = Required<Pick<ProxyOptions, 'onQuit' | 'onCrash'>>;

export interface ProxyProgramOptions {
  /** Waits for what the proxy needs first. */
  readonly before: () => Promise<void>;
  readonly create: (ends: ProxyEnds) => Proxy;
  readonly onProxy: (proxy: Proxy | undefined) => void;
  /** How long its clients have to leave, at most. */
  readonly drainMs: () => number;
  readonly onDrain: () => void;
}

/** Runs a proxy as a container's program. */
export function createProxyProgram({ before, create, onProxy, drainMs, onDrain }: ProxyProgramOptions): Program {
  const stopping = new AbortController();
  const exit = Promise.withResolvers<number>();
  // It may break down while nobody waits for it yet.
  exit.promise.catch(() => undefined);
  let proxy: Proxy | undefined;
  let leaving: Proxy | undefined;
  const leave = async (graceMs: number): Promise<void> => {
    leaving ??= proxy;
    proxy = undefined;
    if (leaving?.ready !== true) stopping.abort();
    await leaving?.stop(graceMs);
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
    drain: () => {
      if (proxy === undefined) return;
      onDrain();
      proxy.drain();
    },
    stop: (graceMs) => leave(Math.min(graceMs, drainMs())),
  };
}
