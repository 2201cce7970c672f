import { type PeerWorkload, UNKNOWN_PEER } from '../http/peer-metadata.ts';

type Labels = Readonly<Record<string, string>>;

/** Who talked to whom, as the labels of all metrics describe it. */
export interface ConnectionFacts {
  readonly reporter: 'source' | 'destination';
  readonly own: PeerWorkload;
  /** SPIFFE id that this side proved; empty without mTLS. */
  readonly ownPrincipal: string;
  /** Undefined: nobody told who it is. */
  readonly peer: PeerWorkload | undefined;
  readonly peerPrincipal: string;
  readonly service: DestinationService;
  /** As the access log has them; empty: none. */
  readonly flags: string;
}

/** The service that was meant; texts that nobody knows are empty. */
export interface DestinationService {
  readonly host: string;
  readonly name: string;
  readonly namespace: string;
}

/** A finished request. */
export interface RequestFacts extends ConnectionFacts {
  readonly protocol: 'http' | 'grpc';
  readonly status: number;
  /** Of a gRPC answer; empty where there is none. */
  readonly grpcStatus: string;
}

const UNKNOWN = 'unknown';

/** The labels of a request, in Istio's order. Source: the filter istio_stats, Envoy's contrib. */
export const requestLabels = (facts: RequestFacts): Labels => ({
  ...workloadLabels(facts),
  request_protocol: facts.protocol,
  response_code: String(facts.status),
  grpc_response_status: facts.grpcStatus,
  ...endLabels(facts),
});

export const tcpLabels = (facts: ConnectionFacts): Labels => ({
  ...workloadLabels(facts),
  request_protocol: 'tcp',
  ...endLabels(facts),
});

/** Only the server knows what secured the connection to it. */
const endLabels = ({ reporter, ownPrincipal, peerPrincipal, flags }: ConnectionFacts): Labels => ({
  response_flags: flags || '-',
  connection_security_policy:
    reporter === 'source' ? UNKNOWN : ownPrincipal !== '' && peerPrincipal !== '' ? 'mutual_tls' : 'none',
});

/** Labels of what is counted before a call has ended. */
export const callLabels = (facts: ConnectionFacts): Labels => workloadLabels(facts);

const workloadLabels = (facts: ConnectionFacts): Labels =>
  facts.reporter === 'source'
    ? {
        reporter: 'source',
        ...side('source', ownSide(facts)),
        ...side('destination', peerSide(facts)),
        ...called(facts),
      }
    : {
        reporter: 'destination',
        ...side('source', peerSide(facts)),
        ...side('destination', ownSide(facts)),
        ...called(facts),
      };

interface Side extends PeerWorkload {
  readonly principal: string;
}

/** A proxy's own names are what its node says, even nothing. */
const ownSide = ({ own, ownPrincipal }: ConnectionFacts): Side => ({ ...own, principal: ownPrincipal || UNKNOWN });

function peerSide({ peer = UNKNOWN_PEER, peerPrincipal }: ConnectionFacts): Side {
  return {
    pod: peer.pod,
    workload: peer.workload || UNKNOWN,
    namespace: peerNamespace(peer, peerPrincipal) || UNKNOWN,
    cluster: peer.cluster || UNKNOWN,
    service: peer.service || UNKNOWN,
    version: peer.version || 'latest',
    app: peer.app || UNKNOWN,
    appVersion: peer.appVersion || UNKNOWN,
    principal: peerPrincipal || UNKNOWN,
  };
}

/** What is proved counts before what is told. */
const peerNamespace = (peer: PeerWorkload, principal: string): string =>
  /\/ns\/([^/]*)/.exec(principal)?.[1] ?? peer.namespace;

const side = (name: 'source' | 'destination', given: Side): Labels => ({
  [`${name}_workload`]: given.workload,
  [`${name}_canonical_service`]: given.service,
  [`${name}_canonical_revision`]: given.version,
  [`${name}_workload_namespace`]: given.namespace,
  [`${name}_principal`]: given.principal,
  [`${name}_app`]: given.app,
  [`${name}_version`]: given.appVersion,
  [`${name}_cluster`]: given.cluster,
});

/** A server that does not know which of its services was meant names its workload. */
function called({ reporter, own, peer = UNKNOWN_PEER, peerPrincipal, service }: ConnectionFacts): Labels {
  const fallback = reporter === 'destination' ? own.service : UNKNOWN;
  return {
    destination_service: service.host || fallback,
    destination_service_name: service.name || fallback,
    destination_service_namespace:
      reporter === 'destination' ? own.namespace : service.namespace || peerNamespace(peer, peerPrincipal) || UNKNOWN,
  };
}
