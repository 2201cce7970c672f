import { specOf } from '../../rules/field.ts';
import type { Analyzer, Report } from '../analyzer.ts';
import type { MeshView } from '../mesh/mesh-view.ts';

function checkFaults(mesh: MeshView, report: Report): void {
  for (const object of mesh.istio('VirtualService')) {
    for (const rule of specOf(object).get('http').items) {
      const percent = rule.at('fault.delay.percent');
      if (percent.number <= 0) continue;
      const detail = 'HTTPRoute.fault.delay.percent is deprecated; use HTTPRoute.fault.delay.percentage';
      report('IST0002', { object, path: percent.path }, { detail });
    }
  }
}

/** IST0002: fields that Istio is giving up. */
export const deprecations: Analyzer = {
  name: 'deprecation.DeprecationAnalyzer',
  codes: ['IST0002'],
  analyze(mesh, report) {
    checkFaults(mesh, report);
    for (const object of mesh.istio('Sidecar')) {
      const proxy = specOf(object).at('outboundTrafficPolicy.egressProxy');
      if (proxy.exists) {
        report('IST0002', { object, path: proxy.path }, { detail: 'OutboundTrafficPolicy.EgressProxy ignored' });
      }
    }
  },
};
