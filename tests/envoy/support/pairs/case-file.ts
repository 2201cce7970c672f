import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Difference } from '../differences.ts';

/** One request, as it is sent to a listener of both proxies. */
export interface PairRequest {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  /** One value, or one for each line; `{AT one}` stands for the address of that host. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, string>>;
  /** Default HTTP/1.1. */
  readonly protocol?: 'h1' | 'h2';
  /** The bytes themselves, in place of all of the above. `{HELLO name protocol}` stands for a ClientHello with that SNI and ALPN. */
  readonly raw?: string;
  /** Sent so many times; only the last is compared. */
  readonly after?: number;
  /** Sent first, one after the other, with these fields in place of the request's own; only their statistics count. */
  readonly before?: readonly (Partial<PairRequest> & { readonly times?: number })[];
  /** Between those and the request itself: until so much time is over. */
  readonly pauseMs?: number;
  /** Connections that are open meanwhile; each says these bytes. */
  readonly held?: readonly string[];
  /** What the real Envoy is known to do: guards the case itself. */
  readonly expect: {
    readonly status: number;
    readonly flags?: string;
    readonly details?: string;
    readonly body?: string;
    /** Lines of the log; default 1. */
    readonly lines?: number;
    /** Entries that a service of access logs is sent. */
    readonly sent?: number;
    /** Requests that reach a host. */
    readonly upstream?: number;
  };
  /** What we do otherwise, to the byte. A difference that is gone fails the case as much as a new one. */
  readonly unlike?: readonly Difference[];
}

/** A host by its name, or with what the assignment says of it. */
export type PairHost =
  | string
  | {
      readonly host: string;
      readonly health?: string;
      /** The name that the assignment gives it. */
      readonly hostname?: string;
      readonly weight?: number;
      /** Its metadata `envoy.lb`. */
      readonly labels?: Readonly<Record<string, unknown>>;
      /** Other hosts whose addresses count as further ones of this host. */
      readonly further?: readonly string[];
      readonly priority?: number;
      readonly region?: string;
      /** The weight of its locality. */
      readonly share?: number;
    };

/** A listener with what stands behind it, and the requests that are sent to it. */
export interface PairCase {
  readonly name: string;
  /** Fields of the HttpConnectionManager. */
  readonly http?: Readonly<Record<string, unknown>>;
  /** HTTP filters before the router. */
  readonly filters?: readonly object[];
  /** Fields of the router. */
  readonly router?: Readonly<Record<string, unknown>>;
  /** Routes of the one virtual host `*`; or whole virtual hosts. */
  readonly routes?: readonly object[];
  readonly virtual_hosts?: readonly object[];
  /** Network filters in place of an HTTP connection manager. */
  readonly network?: readonly object[];
  /** Network filters before the HTTP connection manager. */
  readonly before_http?: readonly object[];
  /** Several filter chains in place of one. */
  readonly chains?: readonly { readonly name?: string; readonly match?: object; readonly network: readonly object[] }[];
  /** The listener itself writes a line for each connection. */
  readonly logs_connections?: boolean;
  /** Further fields of the Listener and of its filter chain. */
  readonly listener?: Readonly<Record<string, unknown>>;
  readonly chain?: Readonly<Record<string, unknown>>;
  /** By name: the hosts, the policy of their assignment, and further fields of the Cluster; or the members of an aggregate cluster. */
  readonly clusters: Readonly<
    Record<
      string,
      {
        readonly hosts?: readonly PairHost[];
        readonly members?: readonly string[];
        readonly policy?: object;
      } & Readonly<Record<string, unknown>>
    >
  >;
  /** Access logs besides the one that is compared line by line; what services of the host `logs` are sent is compared entry by entry. */
  readonly also_logs?: readonly object[];
  /** Headers of traces are compared, too: ids that are made up by the place at which they first stand. */
  readonly traces?: boolean;
  readonly requests: readonly PairRequest[];
}

const tests = join(import.meta.dirname, '../..');

/** Every document of every file of a folder; a new case is a new document. One that is not alone in its file has a name of its own. */
export const loadPairs = (folder = 'pairs'): PairCase[] =>
  readdirSync(join(tests, folder))
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => readPairs(file.replace('.yaml', ''), readFileSync(join(tests, folder, file), 'utf8')));

export function readPairs(file: string, text: string): PairCase[] {
  return parseAllDocuments(text).map((document) => {
    const given = document.toJS() as Omit<PairCase, 'name'> & { readonly name?: string };
    return { ...given, name: given.name === undefined ? file : `${file}-${given.name}` };
  });
}
