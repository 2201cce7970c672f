import type { SocketAddress } from '#domain';
import { errorMessage, MeshworkError, seededRandom } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import { createHopStore } from '#telemetry';
import { createFetch, type Dial } from '#workloads';
import { startKubeServer } from './api/kube-server.ts';
import { type Cluster, startCluster } from './cluster.ts';
import type { Sandbox, SandboxEvent, SandboxOptions } from './doors.ts';
import { createManifests } from './manifests/manifests.ts';
import { gatewayAddresses } from './mesh/gateway-addresses.ts';
import { gatewaySelector, rootNamespace } from './mesh/system.ts';
import { addressPlan } from './network/addresses.ts';
import { quotas } from './quotas.ts';
import { awaitReady, startMesh } from './start-up.ts';
import { createStrains } from './strains.ts';
import { ownNodes } from './until-unlisted.ts';
import { createWaiters } from './waiters.ts';
import { keepRequestsYoung } from './young-garbage.ts';

const GATEWAY_HTTP_PORT = 8080;

/** One learner's mesh in this process: API, control plane, CA, pods and proxies on 127.<subnet>.x.x. Nothing runs before `start`. */
export function createSandbox(options: SandboxOptions): Sandbox {
  keepRequestsYoung();
  const { clock, subnet } = options;
  const random = seededRandom(options.seed);
  const waiters = createWaiters(clock);
  const hops = createHopStore({ capacity: quotas.hops, detailed: quotas.detailedHops, clock });
  const emit = (event: SandboxEvent): void => {
    options.onEvent(event);
    waiters.changed();
  };
  const kinds = createKindRegistry([...coreKinds, ...istioKinds, ...gatewayKinds]);
  const store = createKubeStore({
    kinds,
    clock,
    random: random.stream('kube-api'),
    maxObjects: options.limits?.objects ?? quotas.objects,
  });
  const manifests = createManifests(store, addressPlan(subnet).isServiceIp);
  const strains = createStrains();
  let cluster: Cluster | undefined;
  let served: ReturnType<typeof startKubeServer> | undefined;
  let changes = 0;
  const mintChangeId = (): string => `change-${++changes}`;

  const ingress = (): SocketAddress | undefined => {
    const [label, value] = Object.entries(gatewaySelector)[0]!;
    const pod = cluster?.kubelet.pods.find(
      (candidate) => candidate.namespace === rootNamespace && candidate.labels[label] === value && candidate.ready,
    );
    return pod === undefined ? undefined : { ip: pod.ip, port: GATEWAY_HTTP_PORT };
  };

  const dialFromOutside: Dial = async (host, port) => running(cluster).network.dialFromOutside(host, port);

  const sandbox: Sandbox = {
    store,
    clock,
    random,
    hops,
    keyHosts: options.keyHosts ?? [],
    get controlPlane() {
      return cluster?.istiod()?.controlPlane;
    },
    get pods() {
      return cluster?.kubelet.pods ?? [];
    },
    get ingress() {
      return ingress();
    },
    get gateways() {
      return cluster === undefined
        ? {}
        : gatewayAddresses({ store, pods: cluster.kubelet.pods, frontDoors: cluster.frontDoors });
    },
    start: async (topology, startOptions) => {
      const maxPods = options.limits?.pods ?? quotas.pods;
      cluster = startCluster({
        store,
        clock,
        random,
        subnet,
        hops,
        emit,
        waiters,
        strains,
        maxPods,
        keyHosts: sandbox.keyHosts,
        tellsEntries: options.tellsEntries ?? false,
        proxyFor: options.proxyFor,
      });
      await startMesh({
        ...startOptions,
        sandbox,
        cluster,
        manifests,
        emit,
        topology,
        nodeIp: addressPlan(subnet).node,
        mintChangeId,
      });
    },
    apply: async (files, { namespace }) => {
      const outcome = manifests.apply(files, { namespace, changeId: mintChangeId() });
      sandbox.controlPlane?.flush();
      return outcome;
    },
    validate: (files, { namespace }) => manifests.validate(files, { namespace }),
    strain: (name, strain) => strains.set(name, strain),
    get strains() {
      return strains.all();
    },
    remove: (kind, name, graceSeconds) => {
      const changeId = mintChangeId();
      store.delete(kind, name, {
        changeId,
        ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
      });
      return changeId;
    },
    ready: async () => {
      // Controllers turn what was just applied into pods at the end of this turn of the loop.
      await new Promise((resolve) => setImmediate(resolve));
      await awaitReady({ sandbox, cluster: running(cluster), mintChangeId });
    },
    serveApi: async ({ quietly = false } = {}) => {
      const { kubelet, authority, accounts } = running(cluster);
      const nodeIp = addressPlan(subnet).node;
      const newChangeId = mintChangeId;
      const onError = (what: string, error: unknown): void =>
        emit({ type: 'log', source: 'sandbox', line: `error\t${what}: ${errorMessage(error)}` });
      served ??= startKubeServer({ store, clock, nodeIp, authority, accounts, kubelet, newChangeId, onError });
      const server = await served;
      if (!quietly) server.announce();
      return server.api;
    },
    settled: async (changeId, timeoutMs) => sandbox.controlPlane?.settled(changeId, timeoutMs, ownNodes(sandbox.pods)),
    answered: async (timeoutMs) => sandbox.controlPlane?.answered(ownNodes(sandbox.pods), timeoutMs) ?? true,
    locate: (origin) => manifests.locate(origin),
    placeIn: (files, { namespace }) => manifests.placeIn(files, { namespace }),
    dialFromOutside,
    fetchFromOutside: (url, init) => createFetch(dialFromOutside, clock)(url, init),
    pod: ({ namespace, name }) => cluster?.kubelet.pod(`${namespace}/${name}`),
    until: (met, timeoutMs, what) => waiters.until(met, timeoutMs, what),
    stop: async () => {
      waiters.stop();
      await (await served)?.stop();
      served = undefined;
      await cluster?.stop();
      cluster = undefined;
    },
  };
  return sandbox;
}

function running(cluster: Cluster | undefined): Cluster {
  if (cluster === undefined) throw new MeshworkError('MW9305', 'the sandbox is not running');
  return cluster;
}
