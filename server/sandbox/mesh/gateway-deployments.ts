import { readMeshConfig } from '#control-plane';
import type { KubeObject } from '#domain';
import { errorMessage } from '#domain';
import type { KubeStore } from '#kube-api';
import { createWorkQueue } from '../controllers/work-queue.ts';
import { addressOf, keyOf, nameOf } from '../kube-types.ts';
import { isParameters, overlaysFor, withOverlays } from './gateway-parameters.ts';
import {
  GATEWAY_NAME_LABEL,
  type GatewaySpec,
  gatewayTemplate,
  type Listener,
  MANAGED_LABEL,
} from './gateway-template.ts';
import { effectiveProxySettings, type ProxySettings } from './proxy-config.ts';
import { rootNamespace } from './system.ts';

const KIND = 'Gateway.gateway.networking.k8s.io';
const CLASS_KIND = 'GatewayClass.gateway.networking.k8s.io';
const SET_KIND = 'ListenerSet.gateway.networking.k8s.io';
const CONTROLLER = 'istio.io/gateway-controller';
/** The version of Istio's controller that it follows; a Gateway of a newer one is left to that. */
const CONTROLLER_VERSION = 5;
const MESH_CONFIG = { namespace: rootNamespace, name: 'istio' };

export interface GatewayDeploymentOptions {
  readonly store: KubeStore;
  /** Whether istiod looks at a namespace. */
  readonly discovers: (namespace: string) => boolean;
  readonly onError: (what: string, error: unknown) => void;
  /** istiod's log. */
  readonly log: (line: string) => void;
}

/**
 * Gives each Kubernetes Gateway of Istio's class its own proxy: ServiceAccount, Deployment and Service `NAME-CLASS`, as Istio's deployment
 * controller renders them, with what ConfigMaps say of them. A Gateway whose address is a host name stands for a deployment that somebody
 * else made. Source: deploymentcontroller.go in istio pilot/pkg/config/kube/gatewaycommon.
 */
export function startGatewayDeployments({ store, discovers, onError, log }: GatewayDeploymentOptions): () => void {
  if (store.kinds.find(KIND) === undefined) return () => undefined;
  const queue = createWorkQueue({
    reconcile: (key, changeId) => {
      if (discovers(nameOf(key).namespace)) reconcile({ store, log }, key, changeId);
    },
    onError: (key, error) => onError(`gateway ${key}`, error),
  });
  const stops = [
    store.watch(KIND, ({ type, object, changeId }) => {
      if (type !== 'DELETED') queue.add(keyOf(object), changeId);
    }),
    store.watch('Namespace', ({ type, object, changeId }) => {
      if (type !== 'MODIFIED') return;
      for (const gateway of store.list(KIND, { namespace: object.metadata.name })) queue.add(keyOf(gateway), changeId);
    }),
    store.watch('ConfigMap', ({ object, changeId }) => {
      const { namespace, name } = object.metadata;
      const all = namespace === MESH_CONFIG.namespace && name === MESH_CONFIG.name;
      for (const gateway of store.list(KIND))
        if (all || isParameters(object, gateway)) queue.add(keyOf(gateway), changeId);
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

function reconcile(
  { store, log }: { readonly store: KubeStore; readonly log: (line: string) => void },
  key: string,
  changeId: string,
): void {
  const gateway = store.get(KIND, nameOf(key)) as KubeObject<GatewaySpec> | undefined;
  if (gateway?.spec === undefined || !isManaged(store, gateway.spec) || isOfNewerController(gateway)) return;
  let rendered: readonly KubeObject[];
  try {
    rendered = render(store, gateway);
  } catch (error) {
    // As istiod: what is there stays, until somebody changes the Gateway or its parameters.
    log(`error\tgateway\terror rendering templates: ${errorMessage(error)}\tgateway=${key}`);
    return;
  }
  for (const object of rendered) {
    if (store.kinds.find(object.kind) === undefined) continue;
    const present = store.get(object.kind, addressOf(object));
    // What carries the name without the controller's label belongs to somebody.
    if (present !== undefined && present.metadata.labels?.[MANAGED_LABEL] === undefined) continue;
    store.serverSideApply(object, { changeId, fieldManager: CONTROLLER, force: true });
  }
}

function render(store: KubeStore, gateway: KubeObject<GatewaySpec>): readonly KubeObject[] {
  const { trustDomain } = readMeshConfig(store.get('ConfigMap', MESH_CONFIG));
  const settings = settingsFor(store, gateway);
  const template = gatewayTemplate({ gateway, listeners: listenersOf(store, gateway), settings, trustDomain });
  return withOverlays(template, overlaysFor(store, gateway), store.kinds);
}

function isOfNewerController({ metadata }: KubeObject): boolean {
  const version = metadata.annotations?.['gateway.istio.io/controller-version'];
  return version !== undefined && !(/^[+-]?\d+$/.test(version) && Number(version) <= CONTROLLER_VERSION);
}

/** Those of the mesh and of ProxyConfigs; annotations are not read. */
const settingsFor = (store: KubeStore, { metadata }: KubeObject): ProxySettings =>
  effectiveProxySettings(store, {
    namespace: metadata.namespace ?? '',
    labels: { [GATEWAY_NAME_LABEL]: metadata.name },
    annotations: {},
  });

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
  return objects.filter(isIstioGateway).flatMap((gateway) =>
    gatewayTemplate({
      gateway,
      listeners: allListeners(gateway, sets),
      settings: {},
      trustDomain: 'cluster.local',
    }).filter((object) => !OPTIONAL.has(object.kind) && !keys.has(keyWithKind(object))),
  );
}

/** Made where parameters ask for them. */
const OPTIONAL = new Set(['HorizontalPodAutoscaler', 'PodDisruptionBudget']);

const keyWithKind = (object: KubeObject): string => `${object.kind}/${keyOf(object)}`;

const isIstioGateway = (object: KubeObject): object is KubeObject<GatewaySpec> =>
  object.kind === 'Gateway' &&
  object.apiVersion.startsWith('gateway.networking.k8s.io/') &&
  (object as KubeObject<GatewaySpec>).spec?.gatewayClassName === 'istio';
