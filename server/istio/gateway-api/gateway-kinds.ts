import type { KindDefinition, KubeObject, PrintColumn } from '#domain';
import { defineKind, specColumn } from '../kinds/definition.ts';
import { withDefaults } from '../schema/defaults.ts';

const GROUP = 'gateway.networking.k8s.io';
/** Of kinds that are still tried out. */
const EXPERIMENTAL_GROUP = 'gateway.networking.x-k8s.io';

interface Condition {
  readonly type?: string;
  readonly status?: string;
}

interface GatewayStatus {
  readonly conditions?: readonly Condition[];
  readonly addresses?: readonly { readonly value?: string }[];
}

const statusOf = (object: KubeObject): GatewayStatus => (object.status ?? {}) as GatewayStatus;

/** The status of the condition of this type. */
const conditionColumn = (type: string): PrintColumn => ({
  name: type,
  type: 'string',
  priority: 0,
  cell: (object) => statusOf(object).conditions?.find((each) => each.type === type)?.status ?? '',
});

const addressColumn: PrintColumn = {
  name: 'Address',
  type: 'string',
  priority: 0,
  cell: (object) => statusOf(object).addresses?.[0]?.value ?? '',
};

const hostnames = specColumn('Hostnames', 'hostnames');

interface Shape {
  readonly group?: string;
  readonly plural: string;
  readonly versions: readonly string[];
  readonly shortNames?: readonly string[];
  readonly columns?: readonly PrintColumn[];
  readonly namespaced?: boolean;
  readonly differing?: readonly string[];
  /** Conditions that wait for a controller as soon as the object is there. */
  readonly pending?: readonly string[];
}

/** A kind whose API server fills in what its schema says an object means when it says nothing. */
export interface DefaultedKind extends KindDefinition {
  setDefaults(object: KubeObject): void;
  initialStatus?(): unknown;
}

function gatewayApi(kind: string, { pending, ...shape }: Shape): DefaultedKind {
  const defined = defineKind({ group: GROUP, kind, schema: `k8s-${kind.toLowerCase()}`, ...shape });
  return {
    ...defined,
    setDefaults: (object) => {
      const schema = defined.schema?.() ?? {};
      Object.assign(object, withDefaults(object, schema, schema));
    },
    ...(pending && { initialStatus: () => ({ conditions: pending.map(pendingCondition) }) }),
  };
}

const pendingCondition = (type: string): object => ({
  type,
  status: 'Unknown',
  reason: 'Pending',
  message: 'Waiting for controller',
  lastTransitionTime: '1970-01-01T00:00:00Z',
});

/**
 * The kinds of the Kubernetes Gateway API, release 1.6, experimental fields included. Their rules are all in their schemas.
 */
export const gatewayKinds: readonly DefaultedKind[] = [
  gatewayApi('GatewayClass', {
    plural: 'gatewayclasses',
    versions: ['v1', 'v1beta1'],
    shortNames: ['gc'],
    namespaced: false,
    pending: ['Accepted'],
    columns: [
      specColumn('Controller', 'controllerName'),
      conditionColumn('Accepted'),
      { ...specColumn('Description', 'description'), priority: 1 },
    ],
  }),
  gatewayApi('Gateway', {
    plural: 'gateways',
    versions: ['v1', 'v1beta1'],
    shortNames: ['gtw'],
    pending: ['Accepted', 'Programmed'],
    columns: [specColumn('Class', 'gatewayClassName'), addressColumn, conditionColumn('Programmed')],
  }),
  gatewayApi('HTTPRoute', { plural: 'httproutes', versions: ['v1', 'v1beta1'], columns: [hostnames] }),
  gatewayApi('GRPCRoute', { plural: 'grpcroutes', versions: ['v1'], columns: [hostnames] }),
  gatewayApi('TLSRoute', {
    plural: 'tlsroutes',
    versions: ['v1', 'v1alpha3', 'v1alpha2'],
    differing: ['v1alpha2'],
    columns: [hostnames],
  }),
  gatewayApi('TCPRoute', { plural: 'tcproutes', versions: ['v1', 'v1alpha2'], differing: ['v1alpha2'] }),
  gatewayApi('UDPRoute', { plural: 'udproutes', versions: ['v1', 'v1alpha2'], differing: ['v1alpha2'] }),
  gatewayApi('ReferenceGrant', { plural: 'referencegrants', versions: ['v1', 'v1beta1'], shortNames: ['refgrant'] }),
  gatewayApi('BackendTLSPolicy', {
    plural: 'backendtlspolicies',
    versions: ['v1', 'v1alpha3'],
    shortNames: ['btlspolicy'],
  }),
  gatewayApi('ListenerSet', {
    plural: 'listenersets',
    versions: ['v1'],
    shortNames: ['lset'],
    pending: ['Accepted', 'Programmed'],
    columns: [conditionColumn('Accepted'), conditionColumn('Programmed')],
  }),
  gatewayApi('XBackendTrafficPolicy', {
    group: EXPERIMENTAL_GROUP,
    plural: 'xbackendtrafficpolicies',
    versions: ['v1alpha1'],
    shortNames: ['xbtrafficpolicy'],
  }),
];
