import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { append } from '../mesh/lists.ts';
import type { MeshView } from '../mesh/mesh-view.ts';
import { fullName, labelsOf } from '../mesh/objects.ts';
import { selects } from '../mesh/selectors.ts';

/** What makes two servers share a certificate: a credential, or a pair of files. */
function certificateOf(tls: Field): string | undefined {
  const credential = tls.get('credentialName').text;
  if (credential !== '') return `credential ${credential}`;
  const certificate = tls.get('serverCertificate').text;
  const key = tls.get('privateKey').text;
  return certificate !== '' && key !== '' ? `files ${certificate} ${key}` : undefined;
}

const certificatesOf = (gateway: KubeObject): Set<string> =>
  new Set(
    specOf(gateway)
      .get('servers')
      .items.map((server) => certificateOf(server.get('tls')))
      .filter((each) => each !== undefined),
  );

function gatewaysByCertificate(mesh: MeshView): Map<string, KubeObject[]> {
  const users = new Map<string, KubeObject[]>();
  for (const gateway of mesh.istio('Gateway')) {
    for (const certificate of certificatesOf(gateway)) {
      append(users, certificate, gateway);
    }
  }
  return users;
}

/** IST0138: a certificate in two Gateways whose pods may be the same. */
export const gatewayCertificates: Analyzer = {
  name: 'gateway.CertificateAnalyzer',
  codes: ['IST0138'],
  analyze(mesh, report) {
    const users = gatewaysByCertificate(mesh);
    for (const object of mesh.istio('Gateway')) {
      const selector = labelsOf(specOf(object).get('selector'));
      const others = new Set([...certificatesOf(object)].flatMap((each) => users.get(each) ?? []));
      others.delete(object);
      for (const other of others) {
        if (!selects(selector, labelsOf(specOf(other).get('selector')))) continue;
        const place = { object, path: 'spec.servers', line: 'metadata.name' };
        report('IST0138', place, { gateways: [fullName(object), fullName(other)] });
      }
    }
  },
};
