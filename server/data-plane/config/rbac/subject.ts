import type { FormatHead, FormatSubject } from '../../format/subject.ts';
import type { ConnectionContext } from '../../listener/connection-context.ts';
import type { ReadMetadata } from '../metadata-match.ts';

/** Who asks for what, as RBAC looks at it. */
export interface RbacSubject {
  /** Undefined on a connection that is not read as HTTP: conditions on requests then never hold. */
  readonly head: FormatHead | undefined;
  readonly connection: Pick<
    ConnectionContext,
    'localAddress' | 'remoteAddress' | 'directAddress' | 'requestedServerName' | 'tls'
  >;
  /** The original client's address: from X-Forwarded-For where it is trusted, else the peer's. */
  readonly remoteIp: string;
  readonly metadata: ReadMetadata;
  /** Of the route that a request takes; absent: there is none. */
  readonly routeMetadata?: ReadMetadata;
  /** What expressions look at; absent: none hold. */
  readonly attributes?: FormatSubject;
  /** What filters have left under a name; absent: nothing. */
  readonly filterState?: (key: string) => string | undefined;
  /** The same, where it is an address. */
  readonly stateAddress?: (key: string) => string | undefined;
}

/** Without query and fragment, as a path condition sees it; undefined without a request. */
export function pathOf({ head }: RbacSubject): string | undefined {
  if (head === undefined) return undefined;
  const end = head.path.search(/[?#]/);
  return end < 0 ? head.path : head.path.slice(0, end);
}
