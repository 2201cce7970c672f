import type { SocketAddress } from '#domain';
import type { RbacVerdict } from '../config/rbac/rbac.ts';
import type { RequestHead, TlsFacts } from '../http/codec.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import { parseSubjectAltNames } from '../tls/subject-alt-names.ts';
import { structText } from './struct-text.ts';

/** What Envoy's RBAC filters write while their logger is at `debug`. Source: rbac_filter.cc of both. */
export interface RbacLog {
  /** Absent: the question is about a connection. */
  readonly head?: Pick<RequestHead, 'method' | 'path' | 'authority' | 'scheme' | 'headers'>;
  readonly connection: Pick<
    ConnectionContext,
    'requestedServerName' | 'remoteAddress' | 'directAddress' | 'localAddress' | 'tls'
  >;
  readonly remoteIp: string;
  readonly metadata: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** What is judged. */
export function checkedLine({ head, connection, remoteIp, metadata }: RbacLog): string {
  const { requestedServerName, remoteAddress, directAddress, localAddress, tls } = connection;
  const from = addressText(remoteAddress);
  const direct = addressText(directAddress ?? remoteAddress);
  const client = remoteIp === remoteAddress.ip ? from : `${remoteIp}:0`;
  const known =
    head === undefined
      ? `checking connection: requestedServerName: ${requestedServerName}, sourceIP: ${from}, directRemoteIP: ${direct},remoteIP: ${client}, localAddress: ${addressText(localAddress)}`
      : `checking request: requestedServerName: ${requestedServerName}, sourceIP: ${from}, directRemoteIP: ${direct}, remoteIP: ${client},localAddress: ${addressText(localAddress)}`;
  const headers = head === undefined ? '' : `, headers: ${headersText(head)}`;
  return `${known}, ssl: ${tlsText(tls)}${headers}, dynamicMetadata: ${metadataText(metadata)}`;
}

/** `shadow denied, matched policy ns[foo]-policy[deny]-rule[0]` */
export const verdictLine = (
  what: 'shadow' | 'enforced',
  { allowed, matched }: Pick<RbacVerdict, 'allowed' | 'matched'>,
): string => `${what} ${allowed ? 'allowed' : 'denied'}, matched policy ${matched?.name ?? 'none'}`;

/** The last word of the filter of connections where nothing is enforced. */
export const NO_ENGINE = 'no engine, allowed by default';
/** The last word of the filter of requests about one that goes on. */
export const ALLOWED = 'allowed by default or by policy';

const addressText = ({ ip, port }: SocketAddress): string => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function tlsText(tls: TlsFacts | undefined): string {
  if (tls === undefined) return 'none';
  const peer = tls.certificates?.().peer;
  const { uris, dns } = peer === undefined ? { uris: [], dns: [] } : parseSubjectAltNames(peer.subjectAltName);
  return `uriSanPeerCertificate: ${uris.join(',')}, dnsSanPeerCertificate: ${dns.join(',')}, subjectPeerCertificate: ${tls.peerSubject}`;
}

function headersText({ method, path, authority, scheme, headers }: NonNullable<RbacLog['head']>): string {
  const all = [
    [':authority', authority],
    [':path', path],
    [':method', method],
    [':scheme', scheme],
    ...headers.entries(),
  ];
  return all.map(([name, value]) => `'${name}', '${value}'\n`).join('');
}

/** As protobuf prints it, without the mark that warns of reading it. */
const metadataText = (metadata: RbacLog['metadata']): string =>
  Object.entries(metadata)
    .map(
      ([filter, values]) =>
        `filter_metadata {\n  key: ${JSON.stringify(filter)}\n  value {\n${structText(values, '    ')}  }\n}\n`,
    )
    .join('');
