import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';

/** IST0134: TCP ports of a ServiceEntry without addresses, which catch every connection to the port number. */
export const serviceEntries: Analyzer = {
  name: 'serviceentry.ProtocolAddressesAnalyzer',
  codes: ['IST0134'],
  analyze(mesh, report) {
    for (const object of mesh.istio('ServiceEntry')) {
      const spec = specOf(object);
      if (spec.get('addresses').items.length > 0 || spec.get('resolution').text.startsWith('DYNAMIC')) continue;
      for (const port of spec.get('ports').items) {
        const protocol = port.get('protocol').text.toUpperCase();
        if (protocol === 'TCP' || protocol === '') report('IST0134', { object, path: port.path }, {});
      }
    }
  },
};
