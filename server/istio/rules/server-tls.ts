import type { Field } from './field.ts';
import type { Findings } from './findings.ts';

const has = (tls: Field, name: string): boolean => tls.get(name).text !== '' || tls.get(name).items.length > 0;

const OWN_CERTIFICATES = {
  serverCertificate: 'server certificate',
  privateKey: 'private key',
  caCertificates: 'CA bundle',
  tlsCertificates: 'tlsCertificates',
  credentialName: 'credentialName',
  credentialNames: 'credentialNames',
} as const;

/** `tls` of a Gateway's server: which certificates each mode needs. */
export function checkServerTls(tls: Field, findings: Findings): void {
  if (!tls.exists) return;
  const mode = tls.get('mode').text || 'PASSTHROUGH';
  const minimum = tls.get('minProtocolVersion');
  if ((minimum.text === 'TLSV1_0' || minimum.text === 'TLSV1_1') && !has(tls, 'cipherSuites')) {
    const message =
      'TLS version below TLSV1_2 require setting compatible ciphers as by default they no longer include compatible ciphers.';
    findings.warn(minimum, message, 'Use TLSV1_2 or later.');
  }
  warnOfCiphers(tls.get('cipherSuites'), findings);
  if (mode === 'ISTIO_MUTUAL') {
    for (const [field, words] of Object.entries(OWN_CERTIFICATES)) {
      if (has(tls, field))
        findings.reject(tls.get(field), `ISTIO_MUTUAL TLS cannot have associated ${words}`, `Remove ${field}.`);
    }
    return;
  }
  if (mode === 'PASSTHROUGH' || mode === 'AUTO_PASSTHROUGH') {
    if ([...Object.keys(OWN_CERTIFICATES), 'caCrl'].some((field) => has(tls, field))) {
      const message = `${mode} mode does not use certificates, they will be ignored`;
      findings.warn(tls, message, 'Remove the certificates, or use SIMPLE to end TLS at the gateway.');
    }
  }
  checkSources(tls, findings);
  const credentials = has(tls, 'credentialName') || has(tls, 'credentialNames');
  if (ENDING.has(mode) && !credentials) checkFiles(tls, mode, findings);
  if (!has(tls, 'caCrl')) return;
  if (ENDING.has(mode) && credentials) return;
  if (has(tls, 'credentialName')) {
    const message = 'CRL is not supported with credentialName. CRL has to be specified in the credential';
    findings.reject(tls.get('caCrl'), message);
  }
  if (mode === 'SIMPLE') findings.reject(tls.get('caCrl'), 'CRL is not supported with SIMPLE TLS');
}

/** Modes that end TLS in the proxy with a certificate named here. */
const ENDING = new Set(['SIMPLE', 'MUTUAL', 'OPTIONAL_MUTUAL']);

const CIPHERS = new Set(
  (
    'ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384 ' +
    'ECDHE-ECDSA-CHACHA20-POLY1305 ECDHE-RSA-CHACHA20-POLY1305 ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ' +
    'ECDHE-ECDSA-AES256-SHA ECDHE-RSA-AES256-SHA AES128-GCM-SHA256 AES256-GCM-SHA384 AES128-SHA AES256-SHA DES-CBC3-SHA'
  ).split(' '),
);

/** A list of suites may also hold operators, such as `-` or `+`, which start with neither letter nor digit. */
const isCipher = (name: string): boolean =>
  name === '' || name === 'ALL' || !/^[\p{L}\p{N}]/u.test(name) || CIPHERS.has(name);

function warnOfCiphers(suites: Field, findings: Findings): void {
  const names = suites.texts;
  const invalid = new Set(names.filter((name) => !isCipher(name)));
  const repeated = new Set(names.filter((name, index) => isCipher(name) && names.indexOf(name) < index));
  const list = (set: ReadonlySet<string>): string => `[${[...set].sort().join(' ')}]`;
  if (invalid.size > 0) findings.warn(suites, `ignoring invalid cipher suites: ${list(invalid)}`);
  if (repeated.size > 0) findings.warn(suites, `ignoring duplicate cipher suites: ${list(repeated)}`);
}

function checkSources(tls: Field, findings: Findings): void {
  const sources = [
    has(tls, 'serverCertificate') && has(tls, 'privateKey'),
    has(tls, 'credentialName'),
    has(tls, 'credentialNames'),
    has(tls, 'tlsCertificates'),
  ];
  if (sources.filter(Boolean).length < 2) return;
  const message =
    'only one of credential_name, credential_names, server_certificate/private_key, tls_certificates should be specified';
  findings.reject(tls, message, 'Keep one source of certificates.');
}

function checkFiles(tls: Field, mode: string, findings: Findings): void {
  const words = mode === 'SIMPLE' ? 'SIMPLE TLS' : 'MUTUAL TLS';
  const hint = 'Set credentialName to the name of a TLS Secret.';
  if (mode !== 'SIMPLE' && !has(tls, 'caCertificates'))
    findings.reject(tls, `${words} requires a client CA bundle`, hint);
  const certificates = tls.get('tlsCertificates').items;
  if (certificates.length > 2)
    findings.warn(tls.get('tlsCertificates'), `${words} can support up to 2 server certificates`);
  for (const certificate of certificates.length > 0 ? certificates : [tls]) {
    if (certificate.get('serverCertificate').text === '') {
      findings.reject(certificate, `${words} requires a server certificate`, hint);
    }
    if (certificate.get('privateKey').text === '')
      findings.reject(certificate, `${words} requires a private key`, hint);
  }
}
