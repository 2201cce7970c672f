import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import type { FetchInit, FetchResponse } from '#workloads';
import { VERIFY_TEXTS } from '../openssl/chain.ts';

const SYSTEM_FILE = '/etc/ssl/certs/ca-certificates.crt';
const SYSTEM_FOLDER = '/etc/ssl/certs';

/** OpenSSL's number for what Node names by a word. */
const NUMBERS: Readonly<Record<string, number>> = {
  UNABLE_TO_GET_ISSUER_CERT: 2,
  CERT_SIGNATURE_FAILURE: 7,
  CERT_NOT_YET_VALID: 9,
  CERT_HAS_EXPIRED: 10,
  DEPTH_ZERO_SELF_SIGNED_CERT: 18,
  SELF_SIGNED_CERT_IN_CHAIN: 19,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 20,
  // Node looks further than curl, which stops at the first error: nobody is known who has signed it.
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 20,
  CERT_REVOKED: 23,
  INVALID_CA: 24,
  PATH_LENGTH_EXCEEDED: 25,
  INVALID_PURPOSE: 26,
};

interface VerifyProblem {
  readonly number: number;
  readonly text: string;
}

/** Why a certificate is refused, in OpenSSL's words; undefined for what is no refusal by OpenSSL, as a name that does not fit. */
export function verifyProblem(code: string): VerifyProblem | undefined {
  const number = NUMBERS[code];
  return number === undefined ? undefined : { number, text: VERIFY_TEXTS[number] ?? '' };
}

/** What `-v` tells of TLS once it stands; empty where there is none. `caFile`: the file that `--cacert` names. */
export function handshakeText(
  { tls }: FetchResponse,
  {
    init,
    hostname,
    caFile,
  }: { readonly init: FetchInit; readonly hostname: string; readonly caFile: string | undefined },
): string {
  if (tls === undefined) return '';
  const insecure = init.tls?.insecure === true;
  const { certificate, problem = '' } = tls;
  const lines = [
    `ALPN: curl offers ${init.http2 === true ? 'h2,http/1.1' : 'http/1.1'}`,
    ...(insecure ? [] : [` CAfile: ${caFile ?? SYSTEM_FILE}`, ` CApath: ${SYSTEM_FOLDER}`]),
    `SSL connection using ${tls.version} / ${tls.cipher} / ${tls.group ?? '[blank]'} / ${signatureOf(certificate)}`,
    tls.alpn === '' ? 'ALPN: server did not agree on a protocol. Uses default.' : `ALPN: server accepted ${tls.alpn}`,
    'Server certificate:',
    ` subject: ${nameOf(certificate.subject)}`,
    ` start date: ${certificate.validFrom}`,
    ` expire date: ${certificate.validTo}`,
    ...(insecure ? [] : matchOf(certificate, hostname)),
    ` issuer: ${nameOf(certificate.issuer)}`,
    verdict(insecure ? verifyProblem(problem) : undefined),
    `using HTTP/${tls.alpn === 'h2' ? '2' : '1.1'}`,
  ];
  return lines.map((line) => `* ${line}\n`).join('');
}

const verdict = (problem: VerifyProblem | undefined): string =>
  problem === undefined
    ? ' SSL certificate verify ok.'
    : ` SSL certificate verify result: ${problem.text} (${problem.number}), continuing anyway.`;

/** `O=shop; CN=cart.example`, in the certificate's order. */
const nameOf = (name: string | undefined): string => name?.trim().split('\n').join('; ') || '[NONE]';

/** The kind of signature by which the server proved that the key is its own. */
function signatureOf({ publicKey }: X509Certificate): string {
  const type = publicKey.asymmetricKeyType ?? '';
  if (type.startsWith('rsa')) return 'RSASSA-PSS';
  return type === 'ec' ? 'id-ecPublicKey' : type.toUpperCase();
}

/** Which of its names is that of the host. */
function matchOf({ subjectAltName }: X509Certificate, hostname: string): string[] {
  const names = (subjectAltName ?? '').split(', ');
  if (isIP(hostname) !== 0) return [` subjectAltName: host "${hostname}" matched cert's IP address!`];
  const host = hostname.toLowerCase();
  const found = names
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : []))
    .find((name) => {
      const pattern = name.toLowerCase();
      return pattern === host || (pattern.startsWith('*.') && pattern.slice(1) === host.slice(host.indexOf('.')));
    });
  return found === undefined ? [] : [` subjectAltName: host "${hostname}" matched cert's "${found}"`];
}
