import { type FormatSubject, type MetadataKind, NO_REQUEST, type ResourceMetadata } from '../format/subject.ts';
import type { PeerWorkload } from '../http/peer-metadata.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { TcpUpstream } from './tcp-upstream.ts';

export interface SubjectOfSession {
  readonly runtime: ProxyRuntime;
  readonly context: ConnectionContext;
  readonly info: StreamInfo;
  /** The side of the host. */
  readonly upstream: TcpUpstream | undefined;
  readonly peer: PeerWorkload | undefined;
}

/** A connection that is passed on, as formats read it. */
export function sessionSubject({ runtime, context, info, upstream, peer }: SubjectOfSession): FormatSubject {
  return {
    head: NO_REQUEST,
    responseHead: undefined,
    info,
    connection: context,
    upstreamTls: upstream?.tls,
    endpoint: upstream?.host?.endpoint,
    resourceMetadata: (kind) => metadataOf(kind, { runtime, context, info, upstream }),
    runtime,
    proxy: runtime.self,
    peer,
  };
}

/** Routes and virtual hosts are for requests. */
function metadataOf(
  kind: MetadataKind,
  { runtime, context, info, upstream }: Omit<SubjectOfSession, 'peer'>,
): ResourceMetadata | undefined {
  if (kind === 'CLUSTER') return runtime.clusters.get(info.cluster)?.config.resource.metadata;
  if (kind === 'UPSTREAM_HOST') return upstream?.host?.endpoint.metadata;
  if (kind === 'LISTENER') return context.listener.resource.metadata;
  return kind === 'LISTENER_FILTER_CHAIN' ? context.chain.resource.metadata : undefined;
}
