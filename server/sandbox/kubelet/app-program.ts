import { createServer, type Server } from 'node:http';
import type { Clock, Random, SocketAddress } from '#domain';
import type { FetchInit, FetchResponse, WorkloadImage } from '#workloads';
import type { ContainerSpec } from '../kube-types.ts';
import type { Program } from './program.ts';

export interface AppProgramOptions {
  readonly image: WorkloadImage;
  readonly container: ContainerSpec;
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly env: Readonly<Record<string, string>>;
  /** The address behind the pod's 0.0.0.0: its own, or the hidden one when the pod is captured. */
  readonly bindIp: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  readonly log: (line: string) => void;
  readonly onListen: (listener: SocketAddress) => void;
}

/** Runs a workload image on real sockets. */
export function createAppProgram(options: AppProgramOptions): Program {
  const { image, container, pod, env, bindIp, clock, random, fetch, log, onListen } = options;
  const servers: Server[] = [];
  const stopping = new AbortController();
  return {
    start: () =>
      image.start({
        env,
        args: container.args ?? [],
        pod,
        clock,
        random,
        fetch,
        log,
        signal: stopping.signal,
        listen: async (port, handler) => {
          // A proxy keeps its connections: the application must not close them while a request is on its way.
          const server = createServer({ keepAliveTimeout: 0 }, handler);
          servers.push(server);
          await new Promise<void>((resolve, reject) => {
            server.once('error', reject);
            server.listen({ port, host: bindIp }, resolve);
          });
          onListen({ ip: '0.0.0.0', port });
        },
      }),
    stop: async (drainMs) => {
      await Promise.all(servers.map((server) => closeServer(server, clock, drainMs)));
      stopping.abort();
    },
    ...(image.exec === undefined ? {} : { exec: (command: readonly string[]) => image.exec?.(command) }),
  };
}

function closeServer(server: Server, clock: Clock, drainMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = drainMs > 0 ? clock.after(drainMs, () => server.closeAllConnections()) : undefined;
    server.close(() => {
      timer?.cancel();
      resolve();
    });
    server.closeIdleConnections();
    if (drainMs <= 0) server.closeAllConnections();
  });
}
