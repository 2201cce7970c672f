import type { ProxyAdmin } from '#data-plane';
import type { AskNames, Clock, SocketAddress } from '#domain';
import type { ShellWorld } from '#shell';
import type { Dial, FetchInit, FetchResponse } from '#workloads';
import type { ContainerFiles } from './container-files.ts';

/** What the programs of a container find around them, besides clock and files. */
export interface PodWorld extends ShellWorld {
  readonly clock: Clock;
  readonly files: ContainerFiles;
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly ip: string;
    readonly serviceAccount: string;
  };
  readonly container: string;
  /** The image's name without registry and tag. */
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  readonly dial: Dial;
  /** Asks whoever answers the pod's DNS questions for an absolute name. */
  readonly ask: AskNames;
  readonly listeners: () => readonly SocketAddress[];
  /** Present in the proxy's own container. */
  readonly proxy: () => { readonly admin: ProxyAdmin } | undefined;
  /** A program of the image's own. */
  readonly imageExec: (
    command: readonly string[],
  ) => { readonly stdout: string; readonly exitCode: number } | undefined;
}
