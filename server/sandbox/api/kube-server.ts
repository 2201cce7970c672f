import type { AccountTokens, ClusterAuthority } from '#ca';
import type { Clock, KubeObject } from '#domain';
import { createApiServer, type KubeStore, kubeconfigYaml } from '#kube-api';
import { startEndpointsController } from '../controllers/endpoints.ts';
import type { ServedApi } from '../doors.ts';
import type { PodObject } from '../kube-types.ts';
import type { Kubelet } from '../kubelet/kubelet.ts';
import { admitPod } from '../mesh/injection.ts';
import { writeWebhooks } from '../mesh/webhooks.ts';
import { createPodAccess } from './pod-access.ts';
import { createApiUsers } from './users.ts';

const PORT = 6443;
const SERVICE = { namespace: 'default', name: 'kubernetes' } as const;
const NAMES = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
  'localhost',
] as const;

export interface KubeServerOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly nodeIp: string;
  readonly authority: ClusterAuthority;
  readonly accounts: AccountTokens;
  readonly kubelet: Kubelet;
  readonly newChangeId: () => string;
  readonly onError: (what: string, error: unknown) => void;
}

export interface RunningKubeServer {
  readonly api: ServedApi;
  /** Writes what a cluster has besides its API: the Service `kubernetes` and Istio's webhooks. Again, it changes nothing. */
  announce(): void;
  stop(): Promise<void>;
}

/** Serves the sandbox's store to kubectl, istioctl and client libraries, with the pods behind it. */
export async function startKubeServer(options: KubeServerOptions): Promise<RunningKubeServer> {
  const { store, clock, nodeIp, authority, accounts, kubelet, newChangeId, onError } = options;
  const users = createApiUsers(accounts);
  const { keyPem, certPem } = authority.issue([nodeIp, ...NAMES]);
  const server = createApiServer({
    store,
    clock,
    tls: { key: keyPem, cert: certPem },
    authenticate: (token) => users.authenticate(token),
    tokens: users.tokens,
    pods: createPodAccess({ kubelet, clock }),
    mutate: (object) => admitNew(store, object),
    newChangeId,
  });
  const { url } = await server.listen({ host: nodeIp, port: PORT });
  const kubeconfig = kubeconfigYaml({
    name: 'meshwork',
    server: url,
    caPem: authority.caPem,
    token: users.adminToken,
    namespace: 'default',
  });
  const stopEndpoints = startEndpointsController({ store, onError });
  return {
    api: { url, kubeconfig },
    announce: () => {
      announceApi(store, nodeIp);
      writeWebhooks(store, 'system');
    },
    stop: async () => {
      stopEndpoints();
      await server.stop();
    },
  };
}

/** Injection happens when a pod is created, never later. */
function admitNew(store: KubeStore, object: KubeObject): KubeObject {
  if (object.kind !== 'Pod' || object.metadata.uid !== undefined) return object;
  return admitPod(store, object as PodObject);
}

/** The Service `kubernetes`, by which pods reach the API; again, it changes nothing. */
export function announceApi(store: KubeStore, nodeIp: string): void {
  if (store.get('Service', SERVICE) !== undefined) return;
  const labels = { component: 'apiserver', provider: 'kubernetes' };
  const changeId = 'system';
  store.create(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...SERVICE, labels },
      spec: { type: 'ClusterIP', ports: [{ name: 'https', port: 443, targetPort: PORT, protocol: 'TCP' }] },
    },
    { changeId },
  );
  store.create(
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...SERVICE, labels: { 'kubernetes.io/service-name': SERVICE.name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: [nodeIp], conditions: { ready: true } }],
      ports: [{ name: 'https', port: PORT, protocol: 'TCP' }],
    },
    { changeId },
  );
}
