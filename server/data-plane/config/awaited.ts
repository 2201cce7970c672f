import type { TypeUrl } from '#xds';
import { durationMs } from './values.ts';

/** Something that a listener or a cluster names and the control plane must send. */
export interface Awaited {
  readonly typeUrl: TypeUrl;
  readonly name: string;
  /** Of a secret: what it must be. */
  readonly secret?: 'tls_certificate' | 'validation_context';
  /** How long it is waited for before what names it goes on without; 0: as long as it takes. */
  readonly withinMs: number;
}

/** envoy.config.core.v3.ConfigSource, as far as it is read. */
export interface ConfigSource {
  readonly ads?: object;
  readonly initial_fetch_timeout?: string;
}

const DEFAULT_MS = 15_000;

/** Reads `initial_fetch_timeout`. */
export const fetchMs = (source: ConfigSource | undefined): number =>
  durationMs(source?.initial_fetch_timeout, 'initial_fetch_timeout', DEFAULT_MS);
