import type { ProxyAdmin } from '#data-plane';
import type { Clock, SocketAddress } from '#domain';
import type { ShellWorld } from '#shell';
import type { Dial, FetchInit, FetchResponse } from '#workloads';

/** What the programs of a container find around them, besides clock and files. */
export interface PodWorld extends ShellWorld {
  readonly clock: Clock;
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
  /** All addresses of a name as the pod resolves it. */
  readonly resolve: (name: string) => readonly string[];
  readonly listeners: () => readonly SocketAddress[];
  /** Present in the proxy's own container. */
  readonly proxy: () => { readonly admin: ProxyAdmin } | undefined;
  /** A program of the image's own. */
  readonly imageExec: (
    command: readonly string[],
  ) => { readonly stdout: string; readonly exitCode: number } | undefined;
}
