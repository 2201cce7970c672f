import { formatTable } from '../../table.ts';
import type { Verb } from '../kubectl/verb.ts';
import { ISTIO_VERSION } from './proxies.ts';

const TYPES = ['CDS', 'LDS', 'EDS', 'RDS'] as const;

export const proxyStatus: Verb = {
  name: 'proxy-status',
  aliases: ['ps'],
  manual: `istioctl proxy-status
One row per proxy that istiod serves. SYNCED: it accepted what was sent last. NOT SENT: nothing of that type yet.
STALE: sent, not answered yet. ERROR: it refused the last push (NACK) and serves the one before.`,
  run: async (_args, io, context) => {
    const { controlPlane } = context.sandbox;
    if (!controlPlane) {
      io.err('Error: no running istiod pods in namespace istio-system\n');
      return 1;
    }
    const istiod = context.sandbox.pods.find(
      (pod) => pod.namespace === 'istio-system' && pod.labels['app'] === 'istiod',
    );
    const rows = controlPlane
      .syncStatus()
      .map(({ node, types }) => {
        const [, , name = node.id] = node.id.split('~');
        return [
          name,
          'Kubernetes',
          istiod?.name ?? 'istiod',
          ISTIO_VERSION,
          ...TYPES.map((type) => types[type] ?? 'NOT SENT'),
        ];
      })
      .sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''));
    io.out(formatTable(['NAME', 'CLUSTER', 'ISTIOD', 'VERSION', ...TYPES], rows, 5));
    return 0;
  },
};
