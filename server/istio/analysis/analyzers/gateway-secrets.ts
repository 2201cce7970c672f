import { X509Certificate } from 'node:crypto';
import type { KubeObject } from '#domain';
import { Field, specOf } from '../../rules/field.ts';
import type { Analyzer } from '../analyzer.ts';
import { labelsOf, referenceTo } from '../mesh/objects.ts';
import { firstLabelPath, selectorText } from '../mesh/selectors.ts';

/** The first block of a PEM text, decoded. */
function pemBlock(text: string): Buffer | undefined {
  const [, body] = /-----BEGIN [^-]+-----\s+([A-Za-z0-9+/=\s]+?)-----END [^-]+-----/.exec(text) ?? [];
  return body === undefined ? undefined : Buffer.from(body.replace(/\s/g, ''), 'base64');
}

/** Whether the text holds a certificate that is valid now. */
function isValidCertificate(text: string, nowMs: number): boolean {
  const der = pemBlock(text);
  if (der === undefined) return false;
  try {
    const certificate = new X509Certificate(der);
    return nowMs >= Date.parse(certificate.validFrom) && nowMs <= Date.parse(certificate.validTo);
  } catch (error) {
    // What OpenSSL cannot read is no certificate; anything else is a fault of ours.
    if (error instanceof Error && 'code' in error) return false;
    throw error;
  }
}

/** A Secret's entry, as `data` or `stringData` holds it. */
function entryOf(secret: KubeObject, key: string): string {
  const plain = new Field(secret['stringData'], 'stringData').get(key).text;
  if (plain !== '') return plain;
  return Buffer.from(new Field(secret['data'], 'data').get(key).text, 'base64').toString('utf8');
}

/** Whether a gateway can serve with the Secret: `cert` and `key`, or `tls.crt` and `tls.key`. */
function isValidSecret(secret: KubeObject, nowMs: number): boolean {
  for (const [certificate, key] of [
    ['cert', 'key'],
    ['tls.crt', 'tls.key'],
  ] as const) {
    const text = entryOf(secret, certificate);
    if (text !== '' && entryOf(secret, key) !== '') return isValidCertificate(text, nowMs);
  }
  return false;
}

/** IST0101 and IST0161: credentials of Gateways that are missing in the namespace of their pods, or of no use. */
export const gatewaySecrets: Analyzer = {
  name: 'gateway.SecretAnalyzer',
  codes: ['IST0101', 'IST0161'],
  analyze(mesh, report) {
    const nowMs = Date.now();
    for (const object of mesh.istio('Gateway')) {
      const selector = specOf(object).get('selector');
      const [pod] = mesh.workloads.selected(labelsOf(selector));
      if (!pod) {
        const place = { object, path: selector.path, line: firstLabelPath(selector) };
        report('IST0101', place, { reftype: 'selector', refval: selectorText(labelsOf(selector)) });
        continue;
      }
      for (const server of specOf(object).get('servers').items) {
        const credential = server.at('tls.credentialName');
        if (credential.text === '') continue;
        const { namespace, name } = referenceTo(credential.text, pod.namespace);
        const secret = mesh.find('Secret', '', namespace, name);
        const place = { object, path: credential.path, line: credential.path };
        if (!secret) {
          const hint = `Create the Secret ${name} in namespace ${namespace}, where the pods of the gateway are.`;
          report('IST0101', place, { reftype: 'credentialName', refval: credential.text }, { hint });
        } else if (!isValidSecret(secret, nowMs)) {
          report('IST0161', place, { gateway: object.metadata.name, namespace: pod.namespace });
        }
      }
    }
  },
};
