import type { Timer } from '#domain';
import type { EndpointConfig } from '../config/endpoint-config.ts';
import type { SessionState } from '../config/filters/stateful-session.ts';
import type { ClusterShare, CompiledRoute, CompiledVirtualHost, RouteTable } from '../config/route-table.ts';
import type { AlternativeFigures } from '../stats/alternative-figures.ts';
import type { RouteFigures } from '../stats/route-figures.ts';
import type { Stat } from '../stats/stats.ts';
import type { ResponseHead, TlsFacts } from './codec.ts';
import { DynamicMetadata } from './dynamic-metadata.ts';
import type { FilterState } from './filter-state.ts';
import type { GrpcMessages } from './grpc-messages.ts';
import type { Headers } from './headers.ts';
import type { PeerWorkload } from './peer-metadata.ts';
import { TracedRequest } from './traced-request.ts';

/** What layers find out about a request, for those behind them, for its log and its record. */
export abstract class RequestFacts extends TracedRequest {
  table: RouteTable | undefined;
  virtualHost: CompiledVirtualHost | undefined;
  route: CompiledRoute | undefined;
  /** The cluster that the route chose, among others by weight. */
  share: ClusterShare | undefined;
  responseHead: ResponseHead | undefined;
  responseTrailers: Headers | undefined;
  /** The host of the last try, as the control plane describes it. */
  endpoint: EndpointConfig | undefined;
  /** TLS of the connection that answered. */
  upstreamTls: TlsFacts | undefined;
  /** The workload behind the endpoint that was chosen, as EDS names it: `name;namespace;canonical name;revision;cluster`. */
  upstreamWorkload = '';
  /** Under what it counts besides its cluster. */
  routeFigures: RouteFigures | undefined;
  /** Where its client, from within, wants it to be counted, too. */
  alternativeFigures: AlternativeFigures | undefined;
  /** The body of this proxy's own answer, if it has given one. */
  localBody: string | Buffer | undefined;
  /** Answered in the place of a host that took too long. */
  timeoutStatus: 204 | 504 = 504;
  /** The host that the request's session belongs to; `strict`: to no other. `statusWithout`: of the answer where there is none; absent: 503. */
  wantedHost: { readonly key: string; readonly strict: boolean; readonly statusWithout?: number } | undefined;
  /** What the answer is to keep of its host, and the host that the client knows. */
  session: { readonly state: SessionState; readonly host: string | undefined } | undefined;
  /** The original client's address, where more than X-Forwarded-For tells it. */
  client: string | undefined;
  /** Counts requests that are disturbed on purpose, once this one is. */
  disturbed: Stat | undefined;
  /** It comes from within, as `internal_address_config` says. */
  internal = false;
  /** How the caller's proxy named what it asks for. */
  callerOperation: string | undefined;
  /** The workload on the other side, as its proxy named itself. */
  peer: PeerWorkload | undefined;
  /** Noted before its headers are changed. */
  cameAsGrpc: boolean | undefined;
  /** Where the log tells of it again and again. */
  nextEntry: Timer | undefined;
  /** Texts that filters have left under names of their own. */
  filterState: FilterState | undefined;
  /** A header that a filter wanted it to have, and that no message can have. */
  misnamed: string | undefined;
  /** Messages of a gRPC call, for formats. */
  leftCounts: GrpcMessages | undefined;
  /** What filters do when it is over; `whole`: its answer was sent to the end. */
  afterwards: ((whole: boolean) => void)[] | undefined;
  #metadata: DynamicMetadata | undefined;

  /** As whose it counts at its cluster. */
  get origin(): 'internal' | 'external' {
    return this.internal ? 'internal' : 'external';
  }

  /** Has something done when the request is over. */
  whenOver(work: (whole: boolean) => void): void {
    this.afterwards ??= [];
    this.afterwards.push(work);
  }

  /** What filters have left so far, for who only reads it. */
  get dynamicMetadata(): DynamicMetadata | undefined {
    return this.#metadata;
  }

  /** What filters leave behind for later ones. */
  get metadata(): DynamicMetadata {
    this.#metadata ??= new DynamicMetadata();
    return this.#metadata;
  }
}
