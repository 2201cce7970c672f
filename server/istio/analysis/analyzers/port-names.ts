import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { isControlPlane } from '../mesh/in-mesh.ts';
import { objectLabels } from '../mesh/objects.ts';

const PROTOCOLS = new Set('tcp udp grpc grpc-web http http_proxy http2 https tls mongo redis mysql'.split(' '));
/** Kubernetes' own names for protocols, in appProtocol only. */
const APP_PROTOCOLS = new Set(['kubernetes.io/h2c', 'kubernetes.io/ws', 'kubernetes.io/wss']);
/** Ports whose servers speak first, so that nothing can be guessed from the client's bytes: SMTP, DNS, MySQL, MongoDB. */
const KNOWN_PORTS = new Set([25, 53, 3306, 27017]);
/** Makers of the Services of Gateway API gateways, whose ports nobody names. */
const GATEWAY_CONTROLLERS = new Set([
  'istio.io-gateway-controller',
  'istio.io-mesh-controller',
  'istio.io-eastwest-controller',
]);

/** Whether Istio knows the protocol from appProtocol, the name's first word or a well-known number. */
function isProtocolKnown(port: Field): boolean {
  if (port.get('protocol').text === 'UDP') return true;
  const appProtocol = port.get('appProtocol');
  if (APP_PROTOCOLS.has(appProtocol.text)) return true;
  const name = (appProtocol.exists ? appProtocol : port.get('name')).text.toLowerCase();
  if (name.startsWith('grpc-web')) return true;
  return PROTOCOLS.has(name.split('-')[0] ?? '') || KNOWN_PORTS.has(port.get('port').number);
}

const isSkipped = (service: KubeObject): boolean => {
  const labels = objectLabels(service);
  return isControlPlane(labels) || GATEWAY_CONTROLLERS.has(labels['gateway.istio.io/managed'] ?? '');
};

/** IST0118 and IST0150: ports whose name tells no protocol, so that the proxy must guess, or `tcp` where a name is resolved. */
export const portNames: Analyzer = {
  name: 'service.PortNameAnalyzer',
  codes: ['IST0118', 'IST0150'],
  analyze(mesh, report) {
    for (const object of mesh.of('Service')) {
      if (isSkipped(object)) continue;
      const isExternal = specOf(object).get('type').text === 'ExternalName';
      for (const port of specOf(object).get('ports').items) {
        const name = port.get('name').text;
        if (isProtocolKnown(port) && !(isExternal && name === 'tcp')) continue;
        const place = { object, path: port.path, line: port.get('port').path };
        const values = {
          portName: name,
          port: port.get('port').number,
          targetPort: String(port.get('targetPort').value ?? 0),
        };
        if (isExternal) report('IST0150', place, {});
        else report('IST0118', place, values);
      }
    }
  },
};
