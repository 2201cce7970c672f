import type { X509Certificate } from 'node:crypto';
import { createHash } from 'node:crypto';
import type { TlsFacts } from '../http/codec.ts';
import { otherNames } from '../tls/other-names.ts';
import { certificateChain, urlEncodedPem } from '../tls/peer-certificates.ts';
import { parseSubjectAltNames, type SubjectAltNames } from '../tls/subject-alt-names.ts';
import { subjectText } from '../tls/tls-facts.ts';
import { checkTimeFormat, formatTime } from './strftime.ts';
import { type CommandReader, type FormatSubject, text } from './subject.ts';

type Side = (subject: FormatSubject) => TlsFacts | undefined;
type Owner = 'peer' | 'local';

const downstream: Side = ({ connection }) => connection.tls;
const upstream: Side = ({ upstreamTls }) => upstreamTls;

const certificate = (side: Side, owner: Owner, subject: FormatSubject): X509Certificate | undefined =>
  side(subject)?.certificates?.()[owner];

const ofCertificate =
  (side: Side, owner: Owner, read: (found: X509Certificate) => string): CommandReader =>
  () =>
  (subject) => {
    const found = certificate(side, owner, subject);
    return found && text(read(found));
  };

const names = (side: Side, owner: Owner, kind: keyof SubjectAltNames): CommandReader =>
  ofCertificate(side, owner, ({ subjectAltName }) => parseSubjectAltNames(subjectAltName)[kind].join(','));

const validity =
  (side: Side, date: 'validFromDate' | 'validToDate'): CommandReader =>
  (argument, field) => {
    checkTimeFormat(argument, field);
    const format = argument === '' ? '%Y-%m-%dT%H:%M:%E3SZ' : argument;
    return (subject) => {
      const found = certificate(side, 'peer', subject);
      return found && formatTime(found[date].getTime(), format, 'utc');
    };
  };

const fact =
  (side: Side, read: (tls: TlsFacts) => string): CommandReader =>
  () =>
  (subject) => {
    const tls = side(subject);
    return tls && text(read(tls));
  };

const hex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();
const digest = (found: X509Certificate, hash: 'sha1' | 'sha256'): string =>
  createHash(hash).update(found.raw).digest('hex');

const ofIssuer = (read: (issuer: X509Certificate) => string): CommandReader =>
  ofCertificate(downstream, 'peer', ({ issuerCertificate }) =>
    issuerCertificate === undefined ? '' : read(issuerCertificate),
  );

const alternativeNames = (prefix: string, side: Side, owner: Owner): Record<string, CommandReader> => ({
  [`${prefix}_URI_SAN`]: names(side, owner, 'uris'),
  [`${prefix}_DNS_SAN`]: names(side, owner, 'dns'),
  [`${prefix}_IP_SAN`]: names(side, owner, 'ips'),
});

const sideOf = (prefix: string, side: Side): Record<string, CommandReader> => ({
  ...alternativeNames(`${prefix}_PEER`, side, 'peer'),
  ...alternativeNames(`${prefix}_LOCAL`, side, 'local'),
  [`${prefix}_PEER_SUBJECT`]: fact(side, ({ peerSubject }) => peerSubject),
  [`${prefix}_PEER_ISSUER`]: ofCertificate(side, 'peer', ({ issuer }) => subjectText(issuer)),
  [`${prefix}_PEER_CERT`]: ofCertificate(side, 'peer', (found) => urlEncodedPem([found])),
  [`${prefix}_PEER_CERT_V_START`]: validity(side, 'validFromDate'),
  [`${prefix}_PEER_CERT_V_END`]: validity(side, 'validToDate'),
  [`${prefix}_TLS_VERSION`]: fact(side, ({ version }) => version),
  [`${prefix}_TLS_CIPHER`]: fact(side, ({ cipher }) => cipher),
  [`${prefix}_TLS_GROUP`]: fact(side, ({ group = '' }) => group),
  [`${prefix}_TLS_SESSION_ID`]: fact(side, ({ sessionId = '' }) => sessionId),
});

/** What handshakes showed. */
export const CERTIFICATE_COMMANDS: Readonly<Record<string, CommandReader>> = {
  ...sideOf('DOWNSTREAM', downstream),
  ...sideOf('UPSTREAM', upstream),
  DOWNSTREAM_PEER_EMAIL_SAN: names(downstream, 'peer', 'emails'),
  DOWNSTREAM_LOCAL_EMAIL_SAN: names(downstream, 'local', 'emails'),
  DOWNSTREAM_PEER_OTHERNAME_SAN: ofCertificate(downstream, 'peer', (found) => otherNames(found).join(',')),
  DOWNSTREAM_LOCAL_OTHERNAME_SAN: ofCertificate(downstream, 'local', (found) => otherNames(found).join(',')),
  DOWNSTREAM_LOCAL_SUBJECT: ofCertificate(downstream, 'local', ({ subject }) => subjectText(subject)),
  DOWNSTREAM_PEER_FINGERPRINT_256: fact(downstream, ({ peerCertificateHash }) => peerCertificateHash),
  DOWNSTREAM_PEER_FINGERPRINT_1: ofCertificate(downstream, 'peer', ({ fingerprint }) => hex(fingerprint)),
  DOWNSTREAM_PEER_SERIAL: ofCertificate(downstream, 'peer', ({ serialNumber }) => serialNumber.toLowerCase()),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256: ofCertificate(downstream, 'peer', (found) =>
    certificateChain(found)
      .map((each) => digest(each, 'sha256'))
      .join(','),
  ),
  DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1: ofCertificate(downstream, 'peer', (found) =>
    certificateChain(found)
      .map((each) => digest(each, 'sha1'))
      .join(','),
  ),
  DOWNSTREAM_PEER_CHAIN_SERIALS: ofCertificate(downstream, 'peer', (found) =>
    certificateChain(found)
      .map(({ serialNumber }) => serialNumber.toLowerCase())
      .join(','),
  ),
  DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256: ofIssuer((issuer) => digest(issuer, 'sha256')),
  DOWNSTREAM_PEER_ISSUER_SERIAL: ofIssuer(({ serialNumber }) => serialNumber.toLowerCase()),
  UPSTREAM_SERVER_NAME: fact(upstream, ({ sni }) => sni),
};
