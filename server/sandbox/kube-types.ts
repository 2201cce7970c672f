import { type KubeObject, type LabelSelector, type NamespacedName, type ObjectMeta, selects } from '#domain';
import type { KubeStore } from '#kube-api';

/** The fields of the built-in kinds that the sandbox acts on; the store keeps all others, too. */
export interface ContainerPort {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: string;
}

export interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly resourceFieldRef?: { readonly resource: string; readonly divisor?: string };
    readonly configMapKeyRef?: KeyRef;
    readonly secretKeyRef?: KeyRef;
  };
}

export interface ProbeSpec {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly host?: string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string; readonly host?: string };
  readonly exec?: { readonly command?: readonly string[] };
  readonly grpc?: { readonly port: number; readonly service?: string };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** What a container does before it is told to end. */
export interface PreStop {
  readonly sleep?: { readonly seconds: number };
  readonly exec?: ProbeSpec['exec'];
  readonly httpGet?: ProbeSpec['httpGet'];
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvVar[];
  readonly ports?: readonly ContainerPort[];
  readonly startupProbe?: ProbeSpec;
  readonly readinessProbe?: ProbeSpec;
  readonly livenessProbe?: ProbeSpec;
  readonly lifecycle?: { readonly preStop?: PreStop; readonly postStart?: object };
  readonly [field: string]: unknown;
}

export interface PodSpec {
  readonly containers: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly ephemeralContainers?: readonly ContainerSpec[];
  readonly serviceAccountName?: string;
  readonly nodeName?: string;
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly [field: string]: unknown;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly lastTransitionTime: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface PodStatus {
  readonly phase?: string;
  readonly podIP?: string;
  readonly conditions?: readonly Condition[];
  readonly [field: string]: unknown;
}

export interface PodTemplate {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec: PodSpec;
}

export interface DeploymentSpec {
  readonly replicas?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplate;
  readonly paused?: boolean;
  readonly strategy?: {
    readonly type?: 'RollingUpdate' | 'Recreate';
    readonly rollingUpdate?: { readonly maxSurge?: number | string; readonly maxUnavailable?: number | string };
  };
  readonly revisionHistoryLimit?: number;
  readonly minReadySeconds?: number;
  readonly progressDeadlineSeconds?: number;
}

export interface ReplicaSetSpec {
  readonly replicas?: number;
  readonly minReadySeconds?: number;
  readonly selector: LabelSelector;
  readonly template: PodTemplate;
}

export interface ReplicaSetStatus {
  readonly replicas?: number;
  readonly readyReplicas?: number;
  readonly availableReplicas?: number;
}

export interface ServicePort {
  readonly name?: string;
  readonly port: number;
  readonly protocol?: string;
  readonly targetPort?: number | string;
  readonly nodePort?: number;
  readonly appProtocol?: string;
}

export interface ServiceSpec {
  readonly type?: string;
  readonly publishNotReadyAddresses?: boolean;
  readonly clusterIP?: string;
  readonly clusterIPs?: readonly string[];
  readonly externalName?: string;
  readonly loadBalancerIP?: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly ports?: readonly ServicePort[];
}

type Typed<Spec, Status> = KubeObject<Spec, Status> & { spec: Spec };
export type PodObject = Typed<PodSpec, PodStatus>;
export type DeploymentObject = Typed<DeploymentSpec, unknown>;
export type ReplicaSetObject = Typed<ReplicaSetSpec, ReplicaSetStatus>;
export type ServiceObject = Typed<ServiceSpec, unknown>;

export interface EndpointSliceObject extends KubeObject {
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean };
    readonly nodeName?: string;
    readonly targetRef?: { readonly name: string };
  }[];
  readonly ports: readonly { readonly name?: string; readonly port: number; readonly protocol?: string }[];
}

export const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

/** `default/reviews`: the key of a work queue and of maps. */
export const keyOf = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

export function nameOf(key: string): NamespacedName {
  const slash = key.indexOf('/');
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export const addressOf = (object: KubeObject): NamespacedName => ({
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

export const isReady = (pod: PodObject): boolean =>
  pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** True when every label of the selector is on the object; an empty selector matches nothing here. */
export function matchesLabels(
  selector: Readonly<Record<string, string>> | undefined,
  { labels }: { readonly labels?: Readonly<Record<string, string>> | undefined },
): boolean {
  const wanted = Object.entries(selector ?? {});
  return wanted.length > 0 && wanted.every(([label, value]) => labels?.[label] === value);
}

/** True when the selector of a controller picks an object with these labels; one that asks for nothing picks nothing here. */
export function picks(selector: LabelSelector, labels: Readonly<Record<string, string>> = {}): boolean {
  const { matchLabels = {}, matchExpressions = [] } = selector;
  const asked = Object.keys(matchLabels).length + matchExpressions.length > 0;
  return asked && selects(selector, labels);
}

/** It was deleted, and has not ended yet. */
export const isEnding = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

/** It ran to its end and runs no more. */
export const hasEnded = ({ status }: PodObject): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

export const ownedBy = (object: KubeObject, owner: KubeObject): boolean =>
  object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;

export function slicesOf(store: KubeStore, service: Pick<ObjectMeta, 'name' | 'namespace'>): EndpointSliceObject[] {
  const labelSelector = `${SERVICE_NAME_LABEL}=${service.name}`;
  return store.list('EndpointSlice', { namespace: service.namespace ?? '', labelSelector }) as EndpointSliceObject[];
}

/** Addresses of a Service's ready pods. */
export const endpointAddresses = (store: KubeStore, service: Pick<ObjectMeta, 'name' | 'namespace'>): string[] =>
  slicesOf(store, service).flatMap(({ endpoints }) =>
    endpoints.filter(({ conditions }) => conditions?.ready !== false).flatMap(({ addresses }) => addresses),
  );
