import type { KubeObject } from '#domain';
import type { KubeStore } from '#kube-api';
import { createWorkQueue } from '../controllers/work-queue.ts';
import { addressOf, keyOf, nameOf } from '../kube-types.ts';
import {
  effectiveProxySettings,
  environmentOf,
  imageOfType,
  type ProxySettings,
  proxyConfigVariable,
} from './proxy-config.ts';
import { proxyImage } from './system.ts';

export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
const CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';
const MANAGED_LABEL = 'gateway.istio.io/managed';
const KIND = 'Gateway.gateway.networking.k8s.io';
const CLASS_KIND = 'GatewayClass.gateway.networking.k8s.io';
const SET_KIND = 'ListenerSet.gateway.networking.k8s.io';
const CONTROLLER = 'istio.io/gateway-controller';
const MAX_PORT_NAME = 63;

interface Listener {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

interface GatewaySpec {
  readonly gatewayClassName?: string;
  readonly listeners?: readonly Listener[];
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[];
  readonly infrastructure?: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

export interface GatewayDeploymentOptions {
  readonly store: KubeStore;
  readonly onError: (what: string, error: unknown) => void;
}

/**
 * Gives each Kubernetes Gateway of Istio's class its own proxy: ServiceAccount, Deployment and Service `NAME-CLASS`, as Istio's deployment
 * controller renders them. A Gateway whose address is a host name stands for a deployment that somebody else made.
 */
export function startGatewayDeployments({ store, onError }: GatewayDeploymentOptions): () => void {
  if (store.kinds.find(KIND) === undefined) return () => undefined;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => reconcile(store, key, changeId),
    onError: (key, error) => onError(`gateway ${key}`, error),
  });
  const stops = [
    store.watch(KIND, ({ type, object, changeId }) => {
      if (type !== 'DELETED') queue.add(keyOf(object), changeId);
    }),
    ...[CLASS_KIND, SET_KIND].flatMap((kind) =>
      store.kinds.find(kind) === undefined
        ? []
        : [
            store.watch(kind, ({ changeId }) => {
              for (const gateway of store.list(KIND)) queue.add(keyOf(gateway), changeId);
            }),
          ],
    ),
  ];
  return () => {
    for (const stop of stops) stop();
    queue.stop();
  };
}

function reconcile(store: KubeStore, key: string, changeId: string): void {
  const gateway = store.get(KIND, nameOf(key)) as KubeObject<GatewaySpec> | undefined;
  if (gateway?.spec === undefined || !isManaged(store, gateway.spec)) return;
  for (const object of gatewayObjectsFor(gateway, listenersOf(store, gateway), settingsFor(store, gateway))) {
    const present = store.get(object.kind, addressOf(object));
    // What carries the name without being of this Gateway belongs to somebody.
    if (present !== undefined && !ownedByGateway(present, gateway)) continue;
    if (present === undefined) store.create(object, { changeId, fieldManager: CONTROLLER });
    else if (object.kind !== 'ServiceAccount') {
      const patch = { metadata: { labels: object.metadata.labels }, spec: object.spec };
      store.patch(object.kind, addressOf(object), patch, { changeId, fieldManager: CONTROLLER });
    }
  }
}

/** Those of the mesh and of ProxyConfigs; annotations are not read. */
const settingsFor = (store: KubeStore, { metadata }: KubeObject): ProxySettings =>
  effectiveProxySettings(store, {
    namespace: metadata.namespace ?? '',
    labels: { [GATEWAY_NAME_LABEL]: metadata.name },
    annotations: {},
  });

const ownedByGateway = (object: KubeObject, gateway: KubeObject): boolean =>
  object.metadata.labels?.[GATEWAY_NAME_LABEL] === gateway.metadata.name ||
  (object.metadata.ownerReferences ?? []).some(({ uid }) => uid === gateway.metadata.uid);

function isManaged(store: KubeStore, { gatewayClassName = '', addresses = [] }: GatewaySpec): boolean {
  const byClass = store.kinds.find(CLASS_KIND) && store.get(CLASS_KIND, { namespace: '', name: gatewayClassName });
  const controller = (byClass?.spec as { controllerName?: string } | undefined)?.controllerName;
  const ours = byClass === undefined ? gatewayClassName === 'istio' : controller === CONTROLLER;
  if (!ours || addresses.length > 1) return false;
  return addresses.every(({ type }) => type === undefined || type === 'IPAddress');
}

const listenersOf = (store: KubeStore, gateway: KubeObject<GatewaySpec>): Listener[] =>
  allListeners(gateway, store.kinds.find(SET_KIND) === undefined ? [] : store.list(SET_KIND));

/** A Gateway's own listeners and those that ListenerSets of its namespace add. */
function allListeners(gateway: KubeObject<GatewaySpec>, sets: readonly KubeObject[]): Listener[] {
  const added = sets.flatMap((set) => {
    const { parentRef, listeners = [] } = set.spec as {
      parentRef?: { name?: string; namespace?: string };
      listeners?: readonly Listener[];
    };
    const namespace = parentRef?.namespace ?? set.metadata.namespace;
    return parentRef?.name === gateway.metadata.name && namespace === gateway.metadata.namespace ? listeners : [];
  });
  return [...(gateway.spec?.listeners ?? []), ...added];
}

/** What the controller would make for the Gateways of class `istio` among these objects; what is there already is left out. */
export function gatewayDeployments(objects: readonly KubeObject[]): KubeObject[] {
  const sets = objects.filter(({ kind }) => kind === 'ListenerSet');
  const keys = new Set(objects.map(keyWithKind));
  return objects
    .filter(isIstioGateway)
    .flatMap((gateway) =>
      gatewayObjectsFor(gateway, allListeners(gateway, sets)).filter((object) => !keys.has(keyWithKind(object))),
    );
}

const keyWithKind = (object: KubeObject): string => `${object.kind}/${keyOf(object)}`;

const isIstioGateway = (object: KubeObject): object is KubeObject<GatewaySpec> =>
  object.kind === 'Gateway' &&
  object.apiVersion.startsWith('gateway.networking.k8s.io/') &&
  (object as KubeObject<GatewaySpec>).spec?.gatewayClassName === 'istio';

/** The four objects of one Gateway's proxy. */
function gatewayObjectsFor(
  gateway: KubeObject<GatewaySpec>,
  listeners: readonly Listener[],
  settings: ProxySettings = {},
): KubeObject[] {
  const { name, namespace = '', uid = '', annotations = {} } = gateway.metadata;
  const className = gateway.spec?.gatewayClassName ?? 'istio';
  const defaultName = `${name}-${className}`;
  const deploymentName = annotations['gateway.istio.io/name-override'] ?? defaultName;
  const serviceAccount = annotations['gateway.istio.io/service-account'] ?? defaultName;
  const infrastructure = gateway.spec?.infrastructure;
  const labels = {
    ...(infrastructure === undefined ? gateway.metadata.labels : infrastructure.labels),
    [GATEWAY_NAME_LABEL]: name,
    [CLASS_LABEL]: className,
  };
  const managed = { ...labels, [MANAGED_LABEL]: 'istio.io-gateway-controller' };
  const shared = {
    namespace,
    annotations: { ...infrastructure?.annotations },
    ownerReferences: [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name, uid }],
  };
  const selector = { [GATEWAY_NAME_LABEL]: name };
  const [address] = gateway.spec?.addresses ?? [];
  const type = annotations['networking.istio.io/service-type'] ?? 'LoadBalancer';
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...shared, name: serviceAccount, labels } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...shared, name: deploymentName, labels: managed },
      spec: {
        selector: { matchLabels: selector },
        template: {
          metadata: {
            annotations: {
              ...shared.annotations,
              'istio.io/rev': 'default',
              'prometheus.io/path': '/stats/prometheus',
              'prometheus.io/port': '15020',
              'prometheus.io/scrape': 'true',
            },
            labels: {
              'sidecar.istio.io/inject': 'false',
              'service.istio.io/canonical-name': deploymentName,
              'service.istio.io/canonical-revision': 'latest',
              ...managed,
            },
          },
          spec: {
            serviceAccountName: serviceAccount,
            containers: [routerContainer(imageOfType(proxyImage, settings, annotations), settings)],
          },
        },
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...shared, name: deploymentName, labels },
      spec: {
        type,
        selector,
        ports: servicePorts(listeners),
        ...(address?.value !== undefined && type === 'LoadBalancer' ? { loadBalancerIP: address.value } : {}),
      },
    },
  ];
}

const routerContainer = (image: string, settings: ProxySettings) => ({
  name: 'istio-proxy',
  image,
  args: ['proxy', 'router', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel', 'warning'],
  ports: [
    { name: 'metrics', containerPort: 15020, protocol: 'TCP' },
    { name: 'status-port', containerPort: 15021, protocol: 'TCP' },
    { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' },
  ],
  env: [proxyConfigVariable(settings), ...environmentOf(settings)],
});

/** One Service port for each port that a listener names, after the status port. */
function servicePorts(listeners: readonly Listener[]): object[] {
  const names = new Set(['status-port']);
  const numbers = new Set<number>();
  const ports: object[] = [
    { name: 'status-port', port: 15021, targetPort: 15021, protocol: 'TCP', appProtocol: 'tcp' },
  ];
  for (const { name, port, protocol } of listeners) {
    if (numbers.has(port)) continue;
    numbers.add(port);
    const unique = uniqueName(name.replaceAll('.', '-').slice(0, MAX_PORT_NAME), port, names);
    ports.push({ name: unique, port, targetPort: port, protocol: 'TCP', appProtocol: protocol.toLowerCase() });
  }
  return ports;
}

function uniqueName(name: string, port: number, used: Set<string>): string {
  let candidate = name;
  for (let suffix = `-${port}`; used.has(candidate); suffix += 'x') {
    candidate = name.slice(0, MAX_PORT_NAME - suffix.length) + suffix;
  }
  used.add(candidate);
  return candidate;
}
