import { type Field, specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';
import { namespaceOf } from './mesh-view.ts';

const unverified = (tls: Field, rule: Field): boolean => {
  const mode = tls.get('mode').text;
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return false;
  const byCredential = tls.get('credentialName').text !== '' && rule.get('workloadSelector').exists;
  return tls.get('caCertificates').text === '' && !byCredential;
};

/** IST0128 and IST0129: TLS to a server whose certificate nobody checks against a CA of the author's choice. */
export const clientCertificates: Analyzer = {
  name: 'destinationrule.CaCertificateAnalyzer',
  codes: ['IST0128', 'IST0129'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const policy = spec.get('trafficPolicy');
      const namespace = namespaceOf(object);
      const common = {
        destinationRule: `${namespace}/${object.metadata.name}`,
        namespace,
        host: spec.get('host').text,
      };
      const tls = policy.get('tls');
      if (unverified(tls, spec))
        report('IST0128', { object, path: tls.path }, { ...common, mode: tls.get('mode').text });
      for (const settings of policy.get('portLevelSettings').items) {
        const own = settings.get('tls');
        if (!unverified(own, spec)) continue;
        const values = { ...common, mode: own.get('mode').text, port: `number:${settings.at('port.number').number}` };
        report('IST0129', { object, path: own.path }, values);
      }
    }
  },
};
