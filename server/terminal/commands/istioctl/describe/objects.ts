/** What of the objects is described; absent parts are as the API server leaves them out. */
export interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly labels?: Labels;
  readonly annotations?: Labels;
}

export type Labels = Readonly<Record<string, string>>;

export interface Subset {
  readonly name: string;
  readonly labels?: Labels;
}

interface Policies {
  readonly tls?: { readonly mode?: string };
  readonly loadBalancer?: object;
  readonly connectionPool?: object;
  readonly outlierDetection?: object;
}

export interface TrafficPolicy extends Policies {
  readonly portLevelSettings?: readonly (Policies & { readonly port?: { readonly number?: number } })[];
}

export interface DestinationRule {
  readonly metadata: Meta;
  readonly spec: {
    readonly host: string;
    readonly subsets?: readonly Subset[];
    readonly trafficPolicy?: TrafficPolicy;
  };
}

export type StringMatch = Readonly<Record<string, string>>;

export interface HttpMatch {
  readonly uri?: StringMatch;
  readonly ignoreUriCase?: boolean;
  readonly headers?: Readonly<Record<string, StringMatch>>;
}

export interface Destination {
  readonly destination: { readonly host: string; readonly subset?: string };
  readonly weight?: number;
}

export interface HttpRoute {
  readonly match?: readonly HttpMatch[];
  readonly route?: readonly Destination[];
  readonly fault?: object;
}

export interface TcpRoute {
  readonly match?: readonly object[];
  readonly route?: readonly Destination[];
}

export interface VirtualService {
  readonly metadata: Meta;
  readonly spec: {
    readonly gateways?: readonly string[];
    readonly http?: readonly HttpRoute[];
    readonly tls?: readonly object[];
    readonly tcp?: readonly TcpRoute[];
  };
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly appProtocol?: string;
  readonly targetPort?: number | string;
}

export interface Service {
  readonly metadata: Meta;
  readonly spec: { readonly selector?: Labels; readonly ports?: readonly ServicePort[] };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly { readonly ip?: string }[] } };
}

interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface Container {
  readonly name: string;
  readonly ports?: readonly ContainerPort[];
  readonly securityContext?: { readonly runAsUser?: number };
}

interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
}

export interface Pod {
  readonly metadata: Meta;
  readonly spec: {
    readonly containers?: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly securityContext?: { readonly runAsUser?: number };
  };
  readonly status?: {
    readonly phase?: string;
    readonly hostIP?: string;
    readonly containerStatuses?: readonly ContainerStatus[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface PeerAuthentication {
  readonly metadata: Meta & { readonly creationTimestamp?: string };
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Labels };
    readonly mtls?: { readonly mode?: string };
    readonly portLevelMtls?: Readonly<Record<string, { readonly mode?: string }>>;
  };
}

/** `name`, or with its namespace where that is not the one that was asked about. */
export type NameOf = (meta: Meta) => string;

export const namesWithin =
  (namespace: string): NameOf =>
  ({ name, namespace: own }) =>
    own === namespace ? name : `${name}.${own}`;

/** A selector without labels selects everything. */
export const selects = (wanted: Labels, labels: Labels = {}): boolean =>
  Object.entries(wanted).every(([name, value]) => labels[name] === value);
