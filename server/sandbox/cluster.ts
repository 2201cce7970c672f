import { isIP } from 'node:net';
import {
  type AccountTokens,
  type ClusterAuthority,
  createAccountTokens,
  createCertificateClient,
  createClusterAuthority,
  createJwtKey,
  createTokenIssuer,
} from '#ca';
import { type ControlPlane, discoveredNamespaces, readMeshConfig } from '#control-plane';
import type { Clock, KubeObject, Random } from '#domain';
import { errorMessage } from '#domain';
import type { KubeStore } from '#kube-api';
import type { HopStore } from '#telemetry';
import { createFetch } from '#workloads';
import { startDaemonSetController } from './controllers/daemon-sets.ts';
import { startDeploymentController } from './controllers/deployments.ts';
import { startBudgetController } from './controllers/disruption-budgets.ts';
import { createEventRecorder, type EventRecorder } from './controllers/event-recorder.ts';
import { startJobController } from './controllers/jobs.ts';
import { startNamespaceController } from './controllers/namespaces.ts';
import { startNodeController } from './controllers/nodes.ts';
import { startReplicaSetController } from './controllers/replica-sets.ts';
import { startServiceController } from './controllers/services.ts';
import { startStatefulSetController } from './controllers/stateful-sets.ts';
import { startTaintEvictions } from './controllers/taint-evictions.ts';
import type { SandboxEvent, SandboxOptions } from './doors.ts';
import { matchesLabels, type PodObject } from './kube-types.ts';
import { type Kubelet, startKubelet } from './kubelet/kubelet.ts';
import type { AccountToken } from './kubelet/pod-build.ts';
import { createPodBuilder } from './kubelet/pod-builder.ts';
import { admit as admitPod } from './mesh/admission.ts';
import { startGatewayDeployments } from './mesh/gateway-deployments.ts';
import { createIstiodProgram } from './mesh/istiod-program.ts';
import type { MeshAuthority } from './mesh/mesh-authority.ts';
import { istiodSelector, nodeName, nodeObject, rootNamespace, xdsPort } from './mesh/system.ts';
import { addressPlan, podPool, servicePool } from './network/addresses.ts';
import { type FrontDoors, startFrontDoors } from './network/front-doors.ts';
import type { KeyHost } from './network/key-host.ts';
import { createKeyHosts } from './network/key-hosts.ts';
import { createNetwork, type Network } from './network/network.ts';
import type { Strains } from './strains.ts';
import { untilUnlisted } from './until-unlisted.ts';
import type { Waiters } from './waiters.ts';

/** How long the first proxies wait for the first istiod before they dial it anyway. */
const ISTIOD_WAIT_MS = 5000;

/** A pod that takes longer is seen as unready behind its Services. */
const STARTS_WITHIN_MS = 5000;

export interface ClusterOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly subnet: number;
  readonly hops: HopStore;
  readonly emit: (event: SandboxEvent) => void;
  readonly waiters: Waiters;
  readonly strains: Strains;
  /** Most pods that run at once. */
  readonly maxPods: number;
  readonly keyHosts: readonly KeyHost[];
  readonly tellsEntries: boolean;
  readonly proxyFor: SandboxOptions['proxyFor'];
}

/** What istiod's pod runs, while it runs. */
export interface RunningIstiod {
  readonly controlPlane: ControlPlane;
  readonly authority: MeshAuthority;
}

/** The running parts of a sandbox: controllers, node, network. */
export interface Cluster {
  readonly kubelet: Kubelet;
  readonly network: Network;
  readonly frontDoors: FrontDoors;
  /** Certifies the Kubernetes API's server. */
  readonly authority: ClusterAuthority;
  readonly accounts: AccountTokens;
  istiod(): RunningIstiod | undefined;
  /** How many wait until all pods are ready. */
  awaiting: number;
  stop(): Promise<void>;
}

export function startCluster(options: ClusterOptions): Cluster {
  const { store, clock, random, emit, waiters } = options;
  const onError = (what: string, error: unknown): void => {
    emit({ type: 'log', source: 'sandbox', line: `error\t${what}: ${errorMessage(error)}` });
  };
  const plan = addressPlan(options.subnet);
  const ownNode = nodeObject(plan.node, clock.now());
  store.create(ownNode, { changeId: 'system' });
  const stopNodes = startNodeController(store, ownNode, onError);
  const podAddresses = podPool(plan);
  const istiodIp = podAddresses.next();
  podAddresses.release(istiodIp);
  const network = createNetwork({ plan, store, clock, random: random.stream('kube-proxy') });
  const recorder = (component: string): EventRecorder => createEventRecorder({ store, clock, component });
  const events = createEventRecorder({ store, clock, component: 'kubelet', host: nodeName });
  const scheduling = recorder('default-scheduler');
  // One key, as in a cluster: what the TokenRequest API hands out for the audience `istio-ca` convinces the CA as well.
  const key = createJwtKey();
  const exists = (pod: { readonly namespace: string; readonly name: string }): boolean =>
    store.get('Pod', pod) !== undefined;
  const tokens = createTokenIssuer({ clock, key, exists });
  const clusterAuthority = createClusterAuthority({ clock });
  const accounts = createAccountTokens({ clock, key });
  const accountToken: AccountToken = ({ namespace, name }, audience) => {
    const uid = store.get('ServiceAccount', { namespace, name })?.metadata.uid ?? '';
    return accounts.issue({ namespace, name, uid, audiences: audience === undefined ? [] : [audience] }).token;
  };
  const signer = createCertificateClient(`${istiodIp}:${xdsPort}`);
  let istiod: RunningIstiod | undefined;
  let istiodSeen = false;

  const meshConfig = () => readMeshConfig(store.get('ConfigMap', { namespace: rootNamespace, name: 'istio' }));
  // Before the first istiod listens, what it will find.
  const discovers = (namespace: string): boolean =>
    istiod?.controlPlane.discovers(namespace) ??
    discoveredNamespaces(store.list('Namespace'), meshConfig().discoverySelectors)?.has(namespace) !== false;
  const namespaces = startNamespaceController({
    store,
    published: (namespace) => (discovers(namespace) ? (istiod?.authority.published ?? []) : []),
    onError,
  });
  // The first pods are let in while the first istiod starts.
  const admit = (pod: PodObject): PodObject => admitPod(store, pod, istiod !== undefined || !istiodSeen);
  const stopReplicaSets = startReplicaSetController({
    store,
    clock,
    random: random.stream('pod-names'),
    events: recorder('replicaset-controller'),
    admit,
    onError,
  });
  const istiodLog = (line: string): void =>
    kubelet.pods
      .find((pod) => isIstiod(pod.object))
      ?.container('discovery')
      ?.log.write(line);
  const startGateways = (): (() => void) => startGatewayDeployments({ store, discovers, onError, log: istiodLog });
  // A part of istiod. The first Gateways get their pods while the first istiod starts.
  let stopGateways: (() => void) | undefined = startGateways();
  const stops = [
    options.hops.onRecord((hop) => emit({ type: 'hop', hop })),
    store.watch('*', ({ type, object, changeId }) =>
      emit({ type: 'object', change: type, object: withoutSecrets(object), changeId }),
    ),
    startDeploymentController({ store, clock, events: recorder('deployment-controller'), onError }),
    stopReplicaSets,
    startServiceController({
      store,
      addresses: servicePool(plan),
      onError,
      startsWithin: { clock, ms: STARTS_WITHIN_MS, awaited: () => cluster.awaiting > 0 },
    }),
    () => stopGateways?.(),
    startStatefulSetController({ store, clock, admit, onError }),
    startDaemonSetController({ store, clock, admit, random: random.stream('daemon-pods'), onError }),
    startBudgetController({ store, clock, events: recorder('controllermanager'), onError }),
    startTaintEvictions({ store, clock, events: recorder('taint-eviction-controller'), onError }),
    startJobController({ store, clock, admit, random: random.stream('job-pods'), onError }),
  ];
  const build = createPodBuilder({
    store,
    plan,
    network,
    clock,
    random: random.stream('pods'),
    tokens,
    signer,
    events,
    accountToken,
    strains: options.strains,
    proxyFor: options.proxyFor,
    clusterCa: () => clusterAuthority.caPem,
    servingCertificate: (names) => clusterAuthority.issue(names),
    onError,
    trustDomain: () => meshConfig().trustDomain,
    istiodIp,
    istiodReady: () =>
      istiodSeen
        ? Promise.resolve()
        : waiters
            .until(() => istiodSeen, ISTIOD_WAIT_MS, 'istiod listens')
            .catch((error: unknown) => onError('first proxies', error)),
    createIstiod: ({ ip, podName, env, log }) =>
      createIstiodProgram({
        store,
        clock,
        tokens,
        ip,
        podName,
        env,
        log,
        fetch: createFetch(network.dialFrom({ podIp: ip, namespace: rootNamespace, captured: false }), clock),
        fetchOutside: createKeyHosts({ hosts: options.keyHosts, clock }),
        isInside: (host) => isIP(host) === 0 && network.resolve(host, rootNamespace) !== undefined,
        onPush: (push) => emit({ type: 'push', push }),
        onPublished: () => namespaces.refresh(),
        onRunning: (running) => {
          istiod = running;
          istiodSeen ||= running !== undefined;
          if (running === undefined) stopGateways?.();
          stopGateways = running === undefined ? undefined : (stopGateways ?? startGateways());
          if (running !== undefined) namespaces.refresh();
          waiters.changed();
        },
      }),
    onHop: (hop) => options.hops.record(hop),
    fleetingHops: options.hops,
    onLog: (source, line) => {
      if (typeof line === 'string' || options.tellsEntries) emit({ type: 'log', source, line: String(line) });
    },
  });
  const kubelet = startKubelet({
    store,
    clock,
    addresses: podAddresses,
    maxPods: options.maxPods,
    events: scheduling,
    admit,
    fixedAddress: (pod) => (isIstiod(pod) ? istiodIp : undefined),
    build,
    untilUnlisted: (pod, podIp) =>
      untilUnlisted({ store, waiters, controlPlane: () => istiod?.controlPlane, pods: () => kubelet.pods }, pod, podIp),
    onError,
  });
  const frontDoors = startFrontDoors({
    store,
    nodeIp: plan.node,
    connect: ({ ip, port }) => network.dialFromOutside(ip, port),
    onError,
  });
  const cluster: Cluster = {
    kubelet,
    network,
    frontDoors,
    authority: clusterAuthority,
    accounts,
    istiod: () => istiod,
    awaiting: 0,
    stop: async () => {
      for (const stop of stops) stop();
      namespaces.stop();
      stopNodes();
      await frontDoors.stop();
      await kubelet.stop();
      network.stop();
      signer.close();
    },
  };
  return cluster;
}

const isIstiod = (pod: PodObject): boolean =>
  pod.metadata.namespace === rootNamespace && matchesLabels(istiodSelector, pod.metadata);

/** Events go to the browser; keys stay here. */
function withoutSecrets(object: KubeObject): KubeObject {
  if (object.kind !== 'Secret') return object;
  const { data: _data, stringData: _stringData, ...rest } = object;
  return rest as KubeObject;
}
