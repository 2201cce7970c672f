import type { Clock } from '#domain';
import { createApiServer, type KubeStore, kubeconfigYaml } from '#kube-api';
import { fakePods } from './fake-pods.ts';
import { serverTls } from './tls.ts';

const TOKEN = 'admin-token';

/** A real API server over a store, on a free port of 127.0.0.1, for its administrator alone. */
export async function serveStore(store: KubeStore, clock: Clock) {
  const [tls, pods] = await Promise.all([serverTls(), fakePods()]);
  const server = createApiServer({
    store,
    clock,
    tls: { key: tls.key, cert: tls.cert },
    authenticate: (token) =>
      token === TOKEN ? { username: 'kubernetes-admin', groups: ['system:masters'] } : undefined,
    pods: pods.access,
  });
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 });
  const kubeconfig = kubeconfigYaml({ name: 'meshwork', server: url, caPem: tls.caPem, token: TOKEN });
  return {
    api: { url, kubeconfig },
    stop: async (): Promise<void> => {
      await server.stop();
      pods.stop();
    },
  };
}
