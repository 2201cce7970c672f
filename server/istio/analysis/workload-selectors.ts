import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { labelsOf, namespaceOf, selects } from './mesh-view.ts';

/** Where each kind keeps its selector, and whether it reaches pods of every namespace. */
const SELECTORS = [
  { kind: 'Gateway', group: 'networking.istio.io', path: 'selector', anywhere: true },
  { kind: 'PeerAuthentication', group: 'security.istio.io', path: 'selector.matchLabels', anywhere: false },
  { kind: 'RequestAuthentication', group: 'security.istio.io', path: 'selector.matchLabels', anywhere: false },
  { kind: 'AuthorizationPolicy', group: 'security.istio.io', path: 'selector.matchLabels', anywhere: false },
  { kind: 'Sidecar', group: 'networking.istio.io', path: 'workloadSelector.labels', anywhere: false },
] as const;

/** IST0101 for Gateways, IST0127 for policies: selectors that select no pod. */
export const workloadSelectors: Analyzer = {
  name: 'workload.SelectorAnalyzer',
  codes: ['IST0101', 'IST0127'],
  analyze(mesh, report) {
    for (const { kind, group, path, anywhere } of SELECTORS) {
      for (const object of mesh.of(kind, group)) {
        const selector = specOf(object).at(path);
        const labels = labelsOf(selector);
        const everywhere = anywhere || namespaceOf(object) === mesh.rootNamespace;
        const found = mesh.workloads.some(
          (each) => (everywhere || each.namespace === namespaceOf(object)) && selects(labels, each.labels),
        );
        if (found || Object.keys(labels).length === 0) continue;
        const text = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
        const at = { object, path: selector.path };
        if (kind === 'Gateway') report('IST0101', at, { reftype: 'selector', refval: text.join(',') });
        else report('IST0127', at, { labels: text.join(',') });
      }
    }
  },
};
