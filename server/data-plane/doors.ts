import type { Socket } from 'node:net';
import type { AskNames, Clock, FleetingHops, HopRecord, LogText, Random, SocketAddress } from '#domain';
import type { AdsVariant, Cluster, NodeLocality } from '#xds';

/** A port that a proxy asked for. */
export interface PortBinding {
  /** Resolves when the port is open; rejects with the system's error. */
  readonly bound: Promise<void>;
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

/** Opens a port and hands over each connection that is made to it. */
export type Listen = (address: SocketAddress, onSocket: (socket: Socket) => void) => PortBinding;

/** What a name server says of a name. */
export interface ResolvedName {
  /** All IPv4 addresses, in its order. */
  readonly addresses: readonly string[];
  /** How long they may be kept; 0: it does not say. */
  readonly ttlS: number;
}

/** A name without addresses, or that does not exist, has none; rejects when the name server fails. */
export type Resolve = (name: string) => Promise<ResolvedName>;

/** How a proxy reaches the network of its pod. The sandbox implements it; production code has no test switch. */
export interface ProxyNetwork {
  /** The pod's own address: the proxy binds its ports there. */
  readonly podIp: string;
  /** Where a connection that capture redirected to the proxy wanted to go; undefined when nobody redirected it. */
  originalDestination(socket: Socket): Promise<SocketAddress | undefined>;
  /**
   * Opens a TCP connection that bypasses capture, as the proxy's own traffic does. `toApp`: the destination is this pod's own
   * application, which listens on a hidden address while its pod is captured. Throws where no way leads.
   */
  connect(destination: SocketAddress, options: { readonly toApp: boolean }): Socket;
  /** Where the pod's own programs find what is bound to 127.0.0.1; absent: at `podIp`. */
  readonly loopback?: string;
  /** How ports are opened; absent: as TCP ports of the host. */
  readonly listen?: Listen;
  /** Names of clusters that are found by DNS. Absent: no name resolves. */
  readonly resolve?: Resolve;
  /** The cluster's name server, for questions that the agent answers not itself. Absent: nobody knows any other name. */
  readonly ask?: AskNames;
  /** Makes that a program which knows nothing of this network reaches an address that was resolved. Absent: it needs nothing. */
  readonly reach?: (address: SocketAddress) => Promise<void>;
}

/** The agent's road to the CA: a CSR goes out, a chain and the bundle come back. The private key never leaves the agent. */
export interface CertificateSigner {
  sign(
    csrPem: string,
    token: string,
    /** Asked-for life of the certificate; 0 or absent leaves it to the CA. */
    ttlMs?: number,
  ): Promise<{ readonly chainPem: readonly string[]; readonly rootsPem: readonly string[] }>;
}

/** Settings of Istio's agent, by its environment. */
export interface CertificateSettings {
  /** SECRET_TTL */
  readonly ttlMs?: number | undefined;
  /** SECRET_GRACE_PERIOD_RATIO: the share of its life that is left of a certificate when it is renewed; 0.5 unless told. */
  readonly gracePeriodRatio?: number | undefined;
  /** SECRET_GRACE_PERIOD_RATIO_JITTER: the share by which that is earlier or later, at most; 0.01 unless told. */
  readonly gracePeriodJitter?: number | undefined;
}

/** Where the application's own Prometheus metrics are, for the agent to add to the proxy's (ISTIO_PROMETHEUS_ANNOTATIONS). */
export interface AppMetrics {
  readonly port: number;
  readonly path: string;
}

/** Which of Envoy's figures a proxy tells, besides those that Istio always keeps. */
export interface StatsInclusion {
  readonly prefixes: readonly string[];
  readonly suffixes: readonly string[];
  readonly regexps: readonly string[];
}

/** Bounds of the buckets of all histograms whose names begin so. */
export interface HistogramBounds {
  readonly prefix: string;
  readonly bounds: readonly number[];
}

/** The cluster that the proxy belongs to (`local_cluster_name` of a bootstrap's cluster manager), and where the proxy is. */
export interface LocalCluster extends NodeLocality {
  readonly name: string;
}

/** What a proxy's settings change of the bootstrap that Istio's agent writes. Source: getStatsOptions in istio pkg/bootstrap/config.go. */
export interface BootstrapSettings {
  /** Absent: nobody has said, and pages list all. */
  readonly statsInclusion?: StatsInclusion | undefined;
  /** Parts of names, `tag=.=value;.;`, that become labels. */
  readonly extraStatTags?: readonly string[];
  readonly histogramBounds?: readonly HistogramBounds[];
  /** Whether port 15090 compresses for who accepts it; default true. */
  readonly statsCompression?: boolean;
  /** Of Envoy's runtime, by name. */
  readonly runtimeValues?: Readonly<Record<string, string>>;
  /** How it asks the control plane; absent: by delta. */
  readonly variant?: AdsVariant;
  /** What its node says of where it is. */
  readonly locality?: NodeLocality | undefined;
  /** Absent: none, and zones do not count. */
  readonly localCluster?: LocalCluster | undefined;
  /** Clusters that it has without being sent them. */
  readonly staticClusters?: readonly Cluster[];
  /** Connections of clients that may be open at once; absent: any number. */
  readonly maxConnections?: number | undefined;
}

export interface ProxyOptions {
  readonly role: 'sidecar' | 'router';
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly ip: string;
    readonly serviceAccount: string;
    readonly labels: Readonly<Record<string, string>>;
    /** Ports that the pod declares; capture redirects connections to them into port 15006. */
    readonly ports: readonly number[];
  };
  /** Variables of the proxy's container. Absent: none. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Istio's release that it is of, told in `istio_build`. Absent: it is not told. */
  readonly release?: string;
  readonly trustDomain: string;
  /** istiod's xDS address, `127.8.0.1:15010`. */
  readonly xdsAddress: string;
  readonly signer: CertificateSigner;
  /** The pod's service account token as it is now: the kubelet replaces it before it expires. */
  readonly token: () => string;
  /** How the agent asks for certificates; absent: as the CA thinks right, renewed at half of their life. */
  readonly certificates?: CertificateSettings;
  /** What the mesh's CAs have revoked, PEM, as the pod finds it now; '' or absent: nothing. Source: isCrlFileProvided in Istio's agent. */
  readonly revoked?: () => string;
  /** Text of a file in the proxy's container; undefined where there is none. Absent: there are no files. */
  readonly readFile?: (path: string) => string | undefined;
  /** Absent: those of Istio's agent, and pages of figures list all. */
  readonly bootstrap?: BootstrapSettings | undefined;
  /** Absent: only the proxy's own metrics are told. */
  readonly appMetrics?: AppMetrics | undefined;
  /** Asked to end by itself (`POST /quitquitquit`). Absent: it does not. */
  readonly onQuit?: () => void;
  /** It has broken down and is of no more use. Absent: nobody hears of it. */
  readonly onCrash?: (cause: Error) => void;
  /** Hears which ports of the pod the inbound listener has chains for, whenever it takes effect: capture leads all of them to it. */
  readonly onInboundPorts?: (ports: readonly number[]) => void;
  readonly network: ProxyNetwork;
  readonly clock: Clock;
  readonly random: Random;
  /** Receives each finished hop. */
  readonly onHop: (hop: HopRecord) => void;
  /** Takes those that no record is made of at once. Absent: nobody wants them. */
  readonly fleetingHops?: FleetingHops;
  /** The proxy's own words, as `kubectl logs -c istio-proxy` shows them. */
  readonly onLog: (line: string) => void;
  /** Receives the entries of access logs, which stand between them. Absent: `onLog` does. */
  readonly onEntry?: (entry: LogText) => void;
}

/** A snapshot of figures: `cluster.outbound|9080||reviews….upstream_rq_total` → value. */
export type StatValues = ReadonlyMap<string, number>;

/** What `istioctl proxy-config` and the admin port show; all in Envoy's own JSON shapes (snake_case). */
export interface ProxyAdmin {
  listeners(): readonly object[];
  routes(): readonly object[];
  clusters(): readonly object[];
  endpoints(): readonly ProxyEndpoint[];
  /** Certificates without keys. */
  secrets(): readonly ProxySecret[];
  /** The workload's own certificates, oldest first, at most 32; the last is in force. */
  rotations(): readonly Rotation[];
  configDump(): object;
  stats(): StatValues;
  /** Reads anew what can only be asked for; absent: all of it is always up to date. Never fails. */
  refresh?(): Promise<void>;
}

export interface ProxyEndpoint {
  readonly cluster: string;
  readonly address: SocketAddress;
  readonly healthy: boolean;
  readonly ejected: boolean;
  /** It fails its active health checks. */
  readonly failedCheck: boolean;
  readonly activeRequests: number;
}

export interface ProxySecret {
  /** `default` and `ROOTCA` come from the agent; others are named as listeners and clusters ask for them. */
  readonly name: string;
  readonly type: 'Cert Chain' | 'CA';
  readonly state: 'ACTIVE' | 'WARMING';
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
  readonly spiffeId: string;
  readonly pem: string;
}

/** When the agent put a new certificate of the workload in force. */
export interface Rotation {
  /** Clock.now() of that moment. */
  readonly atMs: number;
  readonly serialNumber: string;
  readonly notBefore: string;
  readonly notAfter: string;
}

/** One proxy: a sidecar or a gateway, as an object in the sandbox's process with real sockets. */
export interface Proxy {
  /** Gets a certificate, connects to xDS, binds its ports. Resolves when listeners and clusters are warm (readiness, port 15021). */
  start(signal: AbortSignal): Promise<void>;
  /** Takes a connection that was made to one of the pod's ports, redirected to 15006 with this original destination. */
  acceptInbound(socket: Socket, originalDestination: SocketAddress): void;
  /**
   * Begins to end, as when Istio's agent is told to: still takes connections and requests, and tells clients of its inbound ports (a
   * gateway: of all) with each answer to keep their connection no longer.
   */
  drain(): void;
  /** Drains until no client is connected and no request is under way, for at most `drainMs`; then ends what is left. */
  stop(drainMs: number): Promise<void>;
  readonly ready: boolean;
  readonly admin: ProxyAdmin;
  /** Answers the DNS questions of the pod's application (ISTIO_META_DNS_CAPTURE). Absent: the proxy has no part in them. */
  readonly ask?: AskNames | undefined;
}
