import { errorMessage, type FieldProblem, type KubeObject } from '#domain';
import { parseKubernetesYaml } from '../manifests/kubernetes-yaml.ts';
import { Field } from '../rules/field.ts';
import { Findings } from '../rules/findings.ts';
import { checkMeshConfig } from './mesh-config.ts';
import { cannotUnmarshal, jsonKind } from './mesh-fields.ts';
import { checkMeshNetworks } from './mesh-networks.ts';

const CHECKS = { mesh: checkMeshConfig, meshNetworks: checkMeshNetworks } as const;

/** `istio`, or `istio-` and a revision. */
const isMeshConfigMap = ({ apiVersion, kind, metadata }: KubeObject): boolean =>
  apiVersion === 'v1' && kind === 'ConfigMap' && /^istio(?:-[a-z0-9-]+)?$/.test(metadata.name ?? '');

function problemsOf(text: string, path: string, check: (root: Field, findings: Findings) => void): FieldProblem[] {
  const findings = new Findings();
  const root = new Field(undefined, path);
  let value: unknown;
  try {
    value = parseKubernetesYaml(text);
  } catch (error) {
    findings.reject(root, `failed to convert to proto. ${errorMessage(error)}`);
    return findings.problems;
  }
  if (value === null || value === undefined) return [];
  if (typeof value !== 'object' || Array.isArray(value)) {
    const message = cannotUnmarshal(jsonKind(value), 'map[string]json.RawMessage');
    findings.reject(root, message, 'Write fields, such as trustDomain.');
    return findings.problems;
  }
  check(new Field(value, path), findings);
  return findings.problems;
}

/**
 * What istiod would find in the mesh's configuration: the ConfigMap `istio` (or of a revision), keys `mesh` and `meshNetworks`. Nothing for
 * other objects. The API server stores what is wrong; istiod then keeps its last good configuration.
 */
export function meshConfigProblems(object: KubeObject): FieldProblem[] {
  if (!isMeshConfigMap(object)) return [];
  const data = new Field(object['data'], 'data');
  return (['mesh', 'meshNetworks'] as const).flatMap((key) => {
    const field = data.get(key);
    return field.text === '' ? [] : problemsOf(field.text, field.path, CHECKS[key]);
  });
}
