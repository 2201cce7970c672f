import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { fullName, namespaceOf } from '../mesh/objects.ts';

const isUnverified = (tls: Field, rule: Field): boolean => {
  const mode = tls.get('mode').text;
  if (mode !== 'SIMPLE' && mode !== 'MUTUAL') return false;
  const byCredential = tls.get('credentialName').text !== '' && rule.get('workloadSelector').exists;
  return tls.get('caCertificates').text === '' && !byCredential;
};

/** A port selector as protobuf prints it. */
function portText(port: Field): string {
  if (!port.exists) return '<nil>';
  const { number } = port.get('number');
  return number === 0 ? '' : `number:${number}`;
}

/** IST0128 and IST0129: TLS to a server whose certificate nobody checks against a CA of the author's choice. */
export const caCertificates: Analyzer = {
  name: 'destinationrule.CaCertificateAnalyzer',
  codes: ['IST0128', 'IST0129'],
  analyze(mesh, report) {
    for (const object of mesh.istio('DestinationRule')) {
      const spec = specOf(object);
      const policy = spec.get('trafficPolicy');
      const common = {
        destinationRule: fullName(object),
        namespace: namespaceOf(object),
        host: spec.get('host').text,
      };
      const tls = policy.get('tls');
      if (isUnverified(tls, spec)) {
        const place = { object, path: tls.path, line: `${tls.path}.caCertificates` };
        report('IST0128', place, { ...common, mode: tls.get('mode').text });
      }
      for (const settings of policy.get('portLevelSettings').items) {
        const own = settings.get('tls');
        if (!isUnverified(own, spec)) continue;
        const place = { object, path: own.path, line: `${own.path}.caCertificates` };
        const values = { ...common, mode: own.get('mode').text, port: portText(settings.get('port')) };
        report('IST0129', place, values);
      }
    }
  },
};
