import { seededRandom } from '#domain';
import { istioKinds } from '#istio';
import {
  type ApiServerOptions,
  coreKinds,
  createApiServer,
  createKindRegistry,
  createKubeStore,
  type KubeStore,
  kubeconfigYaml,
  type ServedRequest,
  type UserInfo,
} from '#kube-api';
import { systemClock } from '../../../server/system.ts';
import { fakePods } from './fake-pods.ts';
import { serverTls } from './tls.ts';

/** An API server over an empty store, without controllers. */
export interface TestCluster {
  readonly store: KubeStore;
  readonly url: string;
  readonly caPem: string;
  readonly kubeconfig: string;
  /** What has been asked so far, newest last. */
  readonly requests: readonly ServedRequest[];
  stop(): Promise<void>;
}

const USERS: Readonly<Record<string, UserInfo>> = {
  'admin-token': { username: 'kubernetes-admin', groups: ['system:masters'] },
  'bob-token': { username: 'bob', groups: ['developers'] },
};

/** Starts a cluster on a free port of 127.0.0.1. The tokens `admin-token` and `bob-token` are known. */
export async function startTestCluster(options: Partial<ApiServerOptions> = {}): Promise<TestCluster> {
  const kinds = createKindRegistry([...coreKinds, ...istioKinds]);
  const clock = systemClock();
  const store = createKubeStore({ kinds, clock, random: seededRandom('test cluster') });
  const [tls, pods] = await Promise.all([serverTls(), fakePods()]);
  const requests: ServedRequest[] = [];
  const server = createApiServer({
    store,
    clock,
    tls: { key: tls.key, cert: tls.cert },
    authenticate: (token) => USERS[token],
    pods: pods.access,
    tokens: {
      issue: ({ account, expirationSeconds }) => ({
        token: `token-of-${account.namespace}-${account.name}`,
        expiresAtMs: Date.now() + expirationSeconds * 1000,
      }),
      review: () => undefined,
    },
    onRequest: (request) => requests.push(request),
    ...options,
  });
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    store,
    url,
    caPem: tls.caPem,
    kubeconfig: kubeconfigYaml({ name: 'test', server: url, caPem: tls.caPem, token: 'admin-token' }),
    requests,
    stop: async () => {
      await server.stop();
      pods.stop();
    },
  };
}
