import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Difference } from '../differences.ts';

/** One request, as it is sent to a listener of both proxies. */
export interface PairRequest {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** One value, or one for each line. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Default HTTP/1.1. */
  readonly protocol?: 'h1' | 'h2';
  /** The bytes themselves, in place of all of the above. */
  readonly raw?: string;
  /** Sent so many times; only the last is compared. */
  readonly after?: number;
  /** What the real Envoy is known to do: guards the case itself. */
  readonly expect: {
    readonly status: number;
    readonly flags?: string;
    readonly details?: string;
    readonly body?: string;
    /** Requests that reach a host. */
    readonly upstream?: number;
  };
  /** What we do otherwise, to the byte. A difference that is gone fails the case as much as a new one. */
  readonly unlike?: readonly Difference[];
}

/** A listener with what stands behind it, and the requests that are sent to it. */
export interface PairCase {
  readonly name: string;
  /** Fields of the HttpConnectionManager. */
  readonly http?: Readonly<Record<string, unknown>>;
  /** HTTP filters before the router. */
  readonly filters?: readonly object[];
  /** Routes of the one virtual host `*`; or whole virtual hosts. */
  readonly routes?: readonly object[];
  readonly virtual_hosts?: readonly object[];
  /** Network filters in place of an HTTP connection manager. */
  readonly network?: readonly object[];
  /** By name: the hosts, and further fields of the Cluster. */
  readonly clusters: Readonly<
    Record<string, { readonly hosts: readonly string[] } & Readonly<Record<string, unknown>>>
  >;
  readonly requests: readonly PairRequest[];
}

const folder = join(import.meta.dirname, '../../pairs');

/** Every file of `pairs`; a new case is a new file. */
export function loadPairs(): PairCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => ({
      ...(parse(readFileSync(join(folder, file), 'utf8')) as Omit<PairCase, 'name'>),
      name: file.replace('.yaml', ''),
    }));
}
