import type { KubeObject } from '#domain';
import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { hasSidecar } from '../mesh/in-mesh.ts';
import { type MeshView, SECURITY } from '../mesh/mesh-view.ts';
import { fullName, labelsOf, namespaceOf } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';
import type { Workload } from '../mesh/workloads.ts';

const NOT_ISTIOS = new Set(['DISABLE', 'SIMPLE', 'MUTUAL']);

/** The PeerAuthentication that counts for a pod: of the workload, else of its namespace, else of the mesh. */
function policyOf(pod: Workload, mesh: MeshView): KubeObject | undefined {
  const policies = mesh
    .of('PeerAuthentication', SECURITY)
    .filter((each) => specOf(each).at('mtls.mode').text !== 'UNSET');
  const own = policies.filter((each) => namespaceOf(each) === pod.namespace);
  const selectorOf = (policy: KubeObject) => labelsOf(specOf(policy).at('selector.matchLabels'));
  const isGeneral = (policy: KubeObject): boolean => Object.keys(selectorOf(policy)).length === 0;
  return (
    own.find((each) => !isGeneral(each) && selects(selectorOf(each), pod.labels)) ??
    own.find(isGeneral) ??
    policies.find((each) => namespaceOf(each) === mesh.settings.rootNamespace && isGeneral(each))
  );
}

/** MW0503: a DestinationRule that turns mutual TLS off towards pods that demand it. */
export const plainText: Analyzer = {
  name: 'meshwork.PlainText',
  codes: ['MW0503'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const mode = spec.at('trafficPolicy.tls.mode');
      if (!NOT_ISTIOS.has(mode.text)) continue;
      const exportTo = spec.get('exportTo').texts;
      const host = mesh.hosts.find({ host: spec.get('host').text, namespace: namespaceOf(object), exportTo });
      if (host?.origin !== 'Service' || Object.keys(host.selector).length === 0) continue;
      const pod = mesh.workloads.selected(host.selector, host.namespace).find((each) => hasSidecar(each, mesh));
      const policy = pod && policyOf(pod, mesh);
      if (!policy || specOf(policy).at('mtls.mode').text !== 'STRICT') continue;
      const values = { mode: mode.text, host: host.host, policy: fullName(policy) };
      const repair =
        mode.text === 'DISABLE' ? { title: 'Use ISTIO_MUTUAL', path: mode.path, text: 'ISTIO_MUTUAL' } : undefined;
      report('MW0503', { object, path: mode.path }, values, { repair });
    }
  },
};
