import { createServer, type Server } from 'node:http';
import type { ControlPlane } from '#control-plane';
import { istioVersion } from '#istio';

const TYPES: Readonly<Record<string, string>> = { CDS: 'cluster', LDS: 'listener', EDS: 'endpoint', RDS: 'route' };

/** istiod's pages for people and tools: version, readiness, and what each proxy has. */
const pages: Readonly<Record<string, (controlPlane: ControlPlane) => unknown>> = {
  '/version': () => `${istioVersion}-meshwork-Clean`,
  '/ready': () => '',
  '/healthz/ready': () => '',
  '/debug': () =>
    `${Object.keys(pages)
      .filter((path) => path.startsWith('/debug/'))
      .join('\n')}\n`,
  '/debug/syncz': (controlPlane) => controlPlane.syncStatus().map(syncRow),
  '/debug/adsz': (controlPlane) => ({
    totalClients: controlPlane.syncStatus().length,
    clients: controlPlane.syncStatus().map(({ node }) => ({ connectionId: node.id, metadata: node.metadata })),
  }),
};

function syncRow({ node, types }: ReturnType<ControlPlane['syncStatus']>[number]): object {
  const acked = Object.entries(TYPES).flatMap(([short, name]) => [
    [`${name}_sent`, types[short] === 'NOT SENT' || types[short] === undefined ? '' : '1'],
    [`${name}_acked`, types[short] === 'SYNCED' ? '1' : ''],
  ]);
  return {
    cluster_id: String(node.metadata?.['CLUSTER_ID'] ?? 'Kubernetes'),
    proxy: proxyName(node.id),
    proxy_type: node.id.split('~')[0] ?? 'sidecar',
    istio_version: String(node.metadata?.['ISTIO_VERSION'] ?? istioVersion),
    ...Object.fromEntries(acked),
  };
}

/** `sidecar~127.8.1.3~cart-1.default~default.svc.cluster.local` → `cart-1.default`. */
const proxyName = (nodeId: string): string => nodeId.split('~')[2] ?? nodeId;

/** Serves the pages on istiod's monitoring port (15014) and on 8080. */
export function createDebugServer(controlPlane: ControlPlane): Server {
  return createServer((request, response) => {
    // istioctl asks for `//version`.
    const path = `/${(request.url ?? '/').replace(/^\/+/, '').split('?')[0]}`;
    const page = pages[path]?.(controlPlane);
    if (page === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
      return;
    }
    const isText = typeof page === 'string';
    const type = isText ? 'text/plain; charset=utf-8' : 'application/json';
    response.writeHead(200, { 'content-type': type }).end(isText ? page : `${JSON.stringify(page, undefined, 2)}\n`);
  });
}
