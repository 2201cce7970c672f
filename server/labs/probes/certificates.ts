import type { Sandbox } from '#sandbox';
import { judgeChain, type ParsedCertificate, readCertificates } from '#shell';
import { everyEntry } from './fields.ts';
import type { CertificateProbe, PemSource, ProxyTrustProbe } from './identity-schema.ts';

const EXPIRED = 10;

/** Whether a stored certificate is as the probe says. */
export function certificateIs(spec: CertificateProbe, sandbox: Sandbox): boolean {
  const [leaf, ...untrusted] = certificatesIn(spec.in, sandbox);
  if (leaf === undefined) return false;
  const { subject = '', subjectAltName = '' } = leaf.x509;
  if (spec.dns !== undefined && !subjectAltName.split(', ').includes(`DNS:${spec.dns}`)) return false;
  if (spec.onlyCommonName !== undefined) {
    if (subjectAltName !== '' || !subject.split('\n').includes(`CN=${spec.onlyCommonName}`)) return false;
  }
  const nowMs = sandbox.clock.now();
  if (spec.roots === undefined) return leaf.notAfterMs < nowMs === spec.expired;
  const trusted = certificatesIn(spec.roots, sandbox);
  if (spec.rootCount !== undefined && trusted.length !== spec.rootCount) return false;
  const { errors } = judgeChain(leaf, { trusted, untrusted, nowMs });
  return spec.expired ? errors.length > 0 && errors.every(({ number }) => number === EXPIRED) : errors.length === 0;
}

/** Whether all proxies of the chosen pods hold so many roots, and a certificate that the right ones vouch for. */
export function proxiesTrust({ namespace, labels, roots, vouchedBy }: ProxyTrustProbe, sandbox: Sandbox): boolean {
  const pods = sandbox.pods.filter(
    (pod) => pod.namespace === namespace && everyEntry(labels, (key, value) => pod.labels[key] === value),
  );
  const trusted = vouchedBy === undefined ? [] : certificatesIn(vouchedBy, sandbox);
  return (
    pods.length > 0 &&
    pods.every(({ proxy }) => {
      const pemOf = (wanted: string): string => proxy?.admin.secrets().find(({ name }) => name === wanted)?.pem ?? '';
      if (readCertificates(pemOf('ROOTCA')).length !== roots) return false;
      const [leaf, ...untrusted] = readCertificates(pemOf('default'));
      if (leaf === undefined) return false;
      return (
        vouchedBy === undefined ||
        judgeChain(leaf, { trusted, untrusted, nowMs: sandbox.clock.now() }).errors.length === 0
      );
    })
  );
}

/** What a learner stored may be no certificate at all. */
function certificatesIn({ kind, namespace, name, key }: PemSource, sandbox: Sandbox): readonly ParsedCertificate[] {
  const data = (sandbox.store.get(kind, { namespace, name })?.['data'] ?? {}) as Readonly<Record<string, string>>;
  const text = data[key] ?? '';
  return readCertificates(kind === 'Secret' ? Buffer.from(text, 'base64').toString('utf8') : text);
}
