import type { Field } from './field.ts';
import type { Findings } from './findings.ts';

const CONFIG_MAP = 'configmap://';

/** `configmap://namespace/name` names a ConfigMap beside the object. */
function configMapProblem(credential: string, namespace: string): string | undefined {
  if (!credential.startsWith(CONFIG_MAP)) return undefined;
  const [owner = '', name] = credential.slice(CONFIG_MAP.length).split('/');
  const problem = (why: string): string => `invalid configmap:// credentialName: ${why}`;
  const expected = (what: string): string => problem(`invalid resource name "${credential}". Expected ${what}`);
  if (name === undefined) return expected('namespace and name');
  if (owner === '') return expected('namespace');
  if (name === '') return expected('name');
  if (owner === namespace) return undefined;
  return problem(`namespace must match the configuration namespace "${namespace}"`);
}

/** TLS that a client proxy originates. */
export function checkClientTls(tls: Field, namespace: string, findings: Findings): void {
  if (!tls.exists) return;
  const mode = tls.get('mode').text;
  const has = (name: string): boolean => tls.get(name).text !== '' || tls.get(name).items.length > 0;
  const credential = tls.get('credentialName');
  findings.check(credential, configMapProblem(credential.text, namespace));
  if (tls.get('insecureSkipVerify').isTrue) {
    const named = has('caCertificates') || has('subjectAltNames') || (mode === 'SIMPLE' && has('credentialName'));
    const fields =
      mode === 'SIMPLE' ? 'CaCertificates or CredentialName or SubjectAltNames' : 'CaCertificates or SubjectAltNames';
    if (named && (mode === 'SIMPLE' || mode === 'MUTUAL')) {
      findings.reject(tls.get('insecureSkipVerify'), `cannot specify ${fields} when InsecureSkipVerify is set true`);
    }
  }
  if ((mode === 'SIMPLE' || mode === 'MUTUAL') && has('credentialName')) {
    if (['clientCertificate', 'caCertificates', 'privateKey', 'caCrl'].some(has)) {
      findings.reject(tls, 'cannot specify client certificates or CA certificate or CA CRL If credentialName is set');
    }
    return;
  }
  if (mode !== 'MUTUAL') return;
  if (!has('clientCertificate'))
    findings.reject(tls, 'client certificate required for mutual tls', 'For mTLS inside the mesh use ISTIO_MUTUAL.');
  if (!has('privateKey'))
    findings.reject(tls, 'private key required for mutual tls', 'For mTLS inside the mesh use ISTIO_MUTUAL.');
}
