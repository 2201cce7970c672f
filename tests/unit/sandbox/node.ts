import { createTokenIssuer } from '#ca';
import type { KubeObject } from '#domain';
import { NO_FLEETING_HOPS, seededRandom } from '#domain';
import type { KubeStore } from '#kube-api';
import { createEventRecorder } from '../../../server/sandbox/controllers/event-recorder.ts';
import { type Kubelet, startKubelet } from '../../../server/sandbox/kubelet/kubelet.ts';
import { createPodBuilder } from '../../../server/sandbox/kubelet/pod-builder.ts';
import type { PodRuntime } from '../../../server/sandbox/kubelet/pod-runtime.ts';
import { admitPod } from '../../../server/sandbox/mesh/injection.ts';
import { addressPlan, podPool } from '../../../server/sandbox/network/addresses.ts';
import { createNetwork } from '../../../server/sandbox/network/network.ts';
import { createStrains } from '../../../server/sandbox/strains.ts';
import { eventually } from '../workloads/support.ts';
import { changeId, newStore } from './support.ts';

/** A node without a mesh: pods that a test creates run on real sockets of 127.<subnet>, on a clock that the test moves. */
export interface TestNode {
  readonly store: KubeStore;
  readonly clock: ReturnType<typeof newStore>['clock'];
  readonly kubelet: Kubelet;
  /** Creates a pod in `default` from containers, and what else its spec says. */
  create(name: string, containers: readonly object[], spec?: object): void;
  running(name: string): PodRuntime | undefined;
  status(name: string): { phase?: string; containerStatuses?: readonly Record<string, unknown>[] };
  isReady(name: string): boolean;
  events(): string[];
  /** Moves the clock in steps, letting sockets and promises run between them, until it holds. */
  advanceUntil(met: () => boolean, stepMs?: number): Promise<void>;
  stop(): Promise<void>;
}

export function startNode(subnet: number): TestNode {
  const { store, clock } = newStore();
  const random = seededRandom('node');
  const plan = addressPlan(subnet);
  const onError = (what: string, error: unknown): void => {
    throw new Error(what, { cause: error });
  };
  const network = createNetwork({ plan, store, clock, random });
  const events = createEventRecorder({ store, clock, component: 'kubelet' });
  const build = createPodBuilder({
    store,
    plan,
    network,
    clock,
    random,
    tokens: createTokenIssuer({ clock }),
    signer: { sign: () => Promise.reject(new Error('no CA here')) },
    events,
    trustDomain: () => 'cluster.local',
    istiodIp: plan.podIp(0),
    accountToken: ({ namespace, name }, audience) => `token of ${namespace}/${name} for ${audience ?? 'the API'}`,
    strains: createStrains(),
    clusterCa: () => 'PEM',
    servingCertificate: () => ({ certPem: 'CERT', keyPem: 'KEY' }),
    onError,
    istiodReady: () => Promise.resolve(),
    createIstiod: () => ({ start: async () => undefined, stop: async () => undefined }),
    onHop: () => undefined,
    fleetingHops: NO_FLEETING_HOPS,
    onLog: () => undefined,
  });
  const kubelet = startKubelet({
    store,
    clock,
    addresses: podPool(plan),
    maxPods: 60,
    events,
    admit: (pod) => admitPod(store, pod),
    fixedAddress: () => undefined,
    build,
    untilUnlisted: () => Promise.resolve(),
    onError,
  });
  const stored = (name: string): KubeObject | undefined => store.get('Pod', { namespace: 'default', name });
  return {
    store,
    clock,
    kubelet,
    create: (name, containers, spec = {}) => {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { containers, ...spec },
      };
      store.create(pod, { changeId });
    },
    running: (name) => kubelet.pod(`default/${name}`),
    status: (name) => (stored(name)?.status ?? {}) as ReturnType<TestNode['status']>,
    isReady: (name) => JSON.stringify(stored(name)?.status ?? {}).includes('"type":"Ready","status":"True"'),
    events: () => store.list('Event').map((event) => `${event['reason']}: ${event['message']}`),
    advanceUntil: async (met, stepMs = 1000) => {
      for (let steps = 0; steps < 60 && !met(); steps++) {
        clock.advance(stepMs);
        await eventuallyQuiet();
      }
      await eventually(met);
    },
    stop: async () => {
      await kubelet.stop();
      network.stop();
    },
  };
}

/** A few turns of the loop: enough for a connection on this machine to be made and answered. */
async function eventuallyQuiet(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
}
