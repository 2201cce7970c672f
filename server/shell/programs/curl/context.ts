import type { Clock } from '#domain';
import type { FetchInit, FetchResponse } from '#workloads';
import type { CommandIo } from '../../command.ts';

/** Where a curl runs: what it dials with, reads from and writes to. */
export interface CurlContext {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  /** Where certificates and `-d @file` are read from. */
  read?(path: string): string | undefined;
  /** Where `-o file` writes; absent inside a pod, whose files nobody sees. */
  save?(path: string, text: string): void;
}
