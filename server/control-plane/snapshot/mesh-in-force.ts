import { type KubeObject, selectorProblem } from '#domain';
import { meshConfigProblems } from '#istio';
import type { MeshConfig } from '../doors.ts';
import { readMeshConfig } from './mesh-config.ts';

/**
 * MeshConfig as istiod goes by it: text that it refuses leaves the last good configuration in force (at first `base`), and a selector of
 * namespaces that is not well formed leaves the last good selectors. `onLog` is told, as istiod tells its log.
 * Sources: pkg/config/mesh/meshwatcher/collection.go, pkg/kube/namespace/filter.go in istio.
 */
export function createMeshInForce(
  base: MeshConfig,
  onLog: (line: string) => void,
): (configMap: KubeObject | undefined) => MeshConfig {
  let inForce = base;
  let readText: unknown = Number.NaN;
  return (configMap) => {
    const text = (configMap?.['data'] as Readonly<Record<string, unknown>> | undefined)?.['mesh'];
    if (text === readText) return inForce;
    readText = text;
    const refused = configMap === undefined ? undefined : refusal(configMap);
    if (refused !== undefined) {
      onLog(`warn\tinvalid mesh config, using last known state: ${refused}`);
      return inForce;
    }
    const next = readMeshConfig(configMap, base);
    const problem = next.discoverySelectors?.map(selectorProblem).find((each) => each !== undefined);
    if (problem === undefined) inForce = next;
    else {
      onLog(`error\terror initializing discovery namespaces filter, invalid discovery selector: ${problem}`);
      const { discoverySelectors: _wrong, ...rest } = next;
      const { discoverySelectors } = inForce;
      inForce = discoverySelectors === undefined ? rest : { ...rest, discoverySelectors };
    }
    return inForce;
  };
}

const refusal = (configMap: KubeObject): string | undefined =>
  meshConfigProblems(configMap).find(({ severity, path }) => severity === 'error' && /^data\.mesh(?!\w)/.test(path))
    ?.message;
