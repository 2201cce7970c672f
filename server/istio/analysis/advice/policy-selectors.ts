import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { NETWORKING, SECURITY } from '../mesh/mesh-view.ts';
import { labelsOf, namespaceOf } from '../mesh/objects.ts';
import { selectorText } from '../mesh/selectors.ts';

/** Kinds whose selectors Istio's analyzers do not look at. */
const SELECTORS = [
  { kind: 'PeerAuthentication', group: SECURITY, path: 'selector.matchLabels' },
  { kind: 'RequestAuthentication', group: SECURITY, path: 'selector.matchLabels' },
  { kind: 'EnvoyFilter', group: NETWORKING, path: 'workloadSelector.labels' },
  { kind: 'ProxyConfig', group: NETWORKING, path: 'selector.matchLabels' },
  { kind: 'DestinationRule', group: NETWORKING, path: 'workloadSelector.matchLabels' },
  { kind: 'WasmPlugin', group: 'extensions.istio.io', path: 'selector.matchLabels' },
] as const;

/** MW0501: policies for no workload. */
export const policySelectors: Analyzer = {
  name: 'meshwork.PolicySelectors',
  codes: ['MW0501'],
  analyze(mesh, report) {
    if (mesh.workloads.all.length === 0) return;
    for (const { kind, group, path } of SELECTORS) {
      for (const object of mesh.of(kind, group)) {
        const selector = specOf(object).at(path);
        const labels = labelsOf(selector);
        const isMeshWide = namespaceOf(object) === mesh.settings.rootNamespace;
        const pods = mesh.workloads.selected(labels, isMeshWide ? undefined : namespaceOf(object));
        if (Object.keys(labels).length === 0 || pods.length > 0) continue;
        const values = { selector: selectorText(labels), kind, name: object.metadata.name };
        report('MW0501', { object, path: selector.path }, values);
      }
    }
  },
};
