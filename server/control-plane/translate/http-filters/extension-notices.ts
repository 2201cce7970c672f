import type { Diagnostic } from '#domain';
import { OWN_USER_AGENT, type ProxyNode } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type TrafficExtension, trafficExtensionsFor } from '../../snapshot/traffic-extensions.ts';
import type { ProxyView } from '../proxy-view.ts';

/**
 * Says of each extension of a proxy of ours that its code is not run there. Any other proxy that connects gets the same configuration,
 * and runs what it can.
 */
export function extensionNotices(
  { trafficExtensions, mesh }: MeshSnapshot,
  proxy: ProxyView,
  { userAgent }: ProxyNode,
): readonly Diagnostic[] {
  if (userAgent !== OWN_USER_AGENT || trafficExtensions.length === 0) return [];
  return trafficExtensionsFor(trafficExtensions, proxy, mesh.rootNamespace).map(({ kind, namespace, name, spec }) => ({
    code: 'MW0403',
    severity: 'warning',
    message: `${kind} ${namespace}/${name} is not run by the lab's own proxies: they run ${instead(spec)}`,
    origin: { kind, namespace, name, path: 'spec' },
  }));
}

function instead({ wasm }: TrafficExtension['spec']): string {
  if (wasm === undefined) return 'no Lua code, and traffic passes without it';
  const outcome = wasm.failStrategy === 'FAIL_OPEN' ? 'passes' : 'is refused';
  return `no Wasm modules, and as after a failed download traffic ${outcome}`;
}
