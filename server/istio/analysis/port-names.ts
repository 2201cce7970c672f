import { specOf } from '../rules/field.ts';
import type { Analyzer } from './analyzer.ts';

const PROTOCOLS = new Set(
  'http http2 http-proxy https grpc grpc-web grpc-web-text tcp tls mongo mysql redis udp hbone thrift'.split(' '),
);
const APP_PROTOCOLS = new Set(['kubernetes.io/h2c', 'kubernetes.io/ws', 'kubernetes.io/wss']);
const KNOWN_PORTS = new Set([25, 53, 3306, 27017]);

/** Whether Istio knows the protocol from appProtocol, the name's first word or a well-known number. */
function protocolKnown(port: { name: string; appProtocol: string; number: number; protocol: string }): boolean {
  if (port.protocol === 'UDP') return true;
  if (port.appProtocol !== '')
    return APP_PROTOCOLS.has(port.appProtocol) || PROTOCOLS.has(port.appProtocol.toLowerCase());
  const name = port.name.toLowerCase();
  const first = name.startsWith('grpc-web') ? 'grpc-web' : (name.split('-')[0] ?? '');
  return PROTOCOLS.has(first) || KNOWN_PORTS.has(port.number);
}

/** IST0118: ports whose name tells no protocol, so that the proxy must guess from the first bytes. */
export const portNames: Analyzer = {
  name: 'service.PortNameAnalyzer',
  codes: ['IST0118'],
  analyze(mesh, report) {
    for (const object of mesh.of('Service')) {
      const labels = object.metadata.labels ?? {};
      if (labels['istio'] === 'pilot' || labels['app'] === 'istiod' || labels['istio'] === 'ingressgateway') continue;
      for (const port of specOf(object).get('ports').items) {
        const name = port.get('name').text;
        const number = port.get('port').number;
        const appProtocol = port.get('appProtocol').text;
        if (protocolKnown({ name, appProtocol, number, protocol: port.get('protocol').text })) continue;
        const target = port.get('targetPort').value ?? number;
        report('IST0118', { object, path: port.path }, { portName: name, port: number, targetPort: String(target) });
      }
    }
  },
};
