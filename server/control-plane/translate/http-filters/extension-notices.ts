import type { Diagnostic } from '#domain';
import { AGENT_COUNTS, OWN_USER_AGENT, type ProxyNode } from '#xds';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import { type TrafficExtension, trafficExtensionsFor } from '../../snapshot/traffic-extensions.ts';
import type { ProxyView } from '../proxy-view.ts';

/**
 * Says of each extension of a proxy of ours that its code is not run there, and of modules that the agents of real Envoys fetch none. Any other
 * proxy that connects gets the same configuration, and runs what it can.
 */
export function extensionNotices(
  { trafficExtensions, mesh }: MeshSnapshot,
  proxy: ProxyView,
  node: ProxyNode,
): readonly Diagnostic[] {
  const isOurs = node.userAgent === OWN_USER_AGENT;
  if (trafficExtensions.length === 0 || !(isOurs || isJoinedEnvoy(node))) return [];
  return trafficExtensionsFor(trafficExtensions, proxy, mesh.rootNamespace)
    .filter(({ spec }) => isOurs || spec.wasm !== undefined)
    .map(({ kind, namespace, name, spec }) => ({
      code: 'MW0403',
      severity: 'warning',
      message: isOurs
        ? `${kind} ${namespace}/${name} is not run by the lab's own proxies: they run ${instead(spec)}`
        : `${kind} ${namespace}/${name} is not run by real Envoys: their agents fetch ${instead(spec)}`,
      origin: { kind, namespace, name, path: 'spec' },
    }));
}

/** Says what a real Envoy under our agent is not sent, because only Istio's build has it. */
export const buildNotices = (node: ProxyNode): readonly Diagnostic[] => (isJoinedEnvoy(node) ? [OTHER_BUILD] : []);

/** Its agent says so. */
const isJoinedEnvoy = ({ metadata }: ProxyNode): boolean => metadata[AGENT_COUNTS] !== undefined;

const OTHER_BUILD: Diagnostic = {
  code: 'MW0404',
  severity: 'warning',
  message:
    "a real Envoy that is not Istio's build is sent no istio.alpn and no istio.metadata_exchange: HTTP over mutual TLS to a port whose protocol is found out is a connection of TCP to the server's proxy. istio.stats is its agent's work",
};

function instead({ wasm }: TrafficExtension['spec']): string {
  if (wasm === undefined) return 'no Lua code, and traffic passes without it';
  const outcome = wasm.failStrategy === 'FAIL_OPEN' ? 'passes' : 'is refused';
  return `no Wasm modules, and as after a failed download traffic ${outcome}`;
}
