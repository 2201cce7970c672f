import { specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { fullHost, namespaceOf } from '../mesh/objects.ts';

/** MW0508: short hosts of VirtualServices that only gateways read. */
export const gatewayShortHosts: Analyzer = {
  name: 'meshwork.GatewayShortHosts',
  codes: ['MW0508'],
  analyze(mesh, report) {
    for (const object of mesh.istio('VirtualService')) {
      const spec = specOf(object);
      const gateways = spec.get('gateways').texts;
      if (gateways.length === 0 || gateways.includes('mesh')) continue;
      for (const host of spec.get('hosts').items) {
        const full = fullHost(host.text, namespaceOf(object));
        if (host.text !== '' && full !== host.text)
          report('MW0508', { object, path: host.path }, { host: host.text, full });
      }
    }
  },
};
