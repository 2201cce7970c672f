import { isIP } from 'node:net';
import type { ClientCertDetails, HttpFilterConfig } from '../config/network-filter.ts';
import { certificateChain, type PeerCertificates, urlEncodedPem } from '../tls/peer-certificates.ts';
import { parseSubjectAltNames } from '../tls/subject-alt-names.ts';
import type { TlsFacts } from './codec.ts';
import { type Headers, isEnvoyName, wireSafe } from './headers.ts';
import { appendVia } from './inline-headers.ts';
import { STEERING } from './steering-headers.ts';

/** What a gateway, at the edge of the mesh, takes from nobody either. */
const EDGE_STRIPPED: ReadonlySet<string> = new Set([
  ...STEERING,
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-original-host',
  'x-envoy-original-path',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
]);

export interface ForwardingSubject {
  readonly config: HttpFilterConfig;
  readonly remoteIp: string;
  /** The request comes from within: what it says of itself is believed. */
  readonly internal?: boolean;
  /** That the client has dialled. */
  readonly localPort: number;
  readonly tls: TlsFacts | undefined;
  /** SPIFFE id of this proxy: its name where the connection's own certificate is not known. */
  readonly own: string;
}

/** X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Client-Cert and the sanitising of x-envoy-*, as Envoy does it. */
export function writeForwardingHeaders(headers: Headers, subject: ForwardingSubject): void {
  const scheme = subject.tls === undefined ? 'http' : 'https';
  const { useRemoteAddress } = subject.config;
  if (subject.internal) headers.put('x-envoy-internal', 'true');
  else strip(headers, useRemoteAddress ? EDGE_STRIPPED : STEERING);
  if (subject.config.via !== '') appendVia(headers, subject.config.via);
  if (useRemoteAddress) {
    const before = headers.joined('x-forwarded-for');
    const client = trustedClient(before, subject);
    if (subject.config.origin?.keepsForwardedFor !== true)
      headers.put('x-forwarded-for', !before ? subject.remoteIp : `${before},${subject.remoteIp}`);
    if (!subject.internal) headers.put('x-envoy-external-address', client);
    // A trusted proxy in front knows better how the client came.
    const told = subject.config.trustedHops > 0 && headers.has('x-forwarded-proto');
    if (!told) headers.put('x-forwarded-proto', scheme);
  } else if (!headers.has('x-forwarded-proto')) {
    headers.put('x-forwarded-proto', scheme);
  }
  const mayTell = !useRemoteAddress || subject.config.trustedHops > 0;
  if (subject.config.tellsPort && !(mayTell && headers.has('x-forwarded-port'))) {
    headers.put('x-forwarded-port', String(subject.localPort));
  }
  writeClientCert(headers, subject);
}

/** The peer, or the client that the trusted proxies in front name. */
function trustedClient(listed: string | undefined, { config: { trustedHops }, remoteIp }: ForwardingSubject): string {
  if (trustedHops === 0 || listed === undefined) return remoteIp;
  const entry = listed.split(',').at(-trustedHops)?.trim() ?? '';
  return isIP(entry) === 0 ? remoteIp : entry;
}

function strip(headers: Headers, names: ReadonlySet<string>): void {
  const { flat } = headers;
  for (let i = 0; i < flat.length; ) {
    const name = flat[i]!;
    if (isEnvoyName(name) && names.has(name)) headers.remove(name);
    else i += 2;
  }
}

const XFCC = 'x-forwarded-client-cert';

/** One hop's entry in X-Forwarded-Client-Cert, its parts in Envoy's order. */
function clientCertElement(tls: TlsFacts, own: string, details: ClientCertDetails): string {
  const { peer, local } = tls.certificates?.() ?? NONE_SHOWN;
  const { dns, uris } = parseSubjectAltNames(peer?.subjectAltName);
  // What this side has shown may be another certificate than the workload's own.
  const by = tls.certificates === undefined ? [own].filter(Boolean) : parseSubjectAltNames(local?.subjectAltName).uris;
  const pem = details.cert && peer !== undefined ? urlEncodedPem([peer]) : '';
  const all = details.chain && peer !== undefined ? urlEncodedPem(certificateChain(peer)) : '';
  return [
    ...by.map((uri) => `By=${uri}`),
    `Hash=${tls.peerCertificateHash}`,
    ...(pem === '' ? [] : [`Cert="${pem}"`]),
    ...(all === '' ? [] : [`Chain="${all}"`]),
    ...(details.subject ? [`Subject="${tls.peerSubject}"`] : []),
    ...(details.uri ? (uris.length > 0 ? uris : [tls.peerSpiffeId]).map((uri) => `URI=${uri}`) : []),
    ...(details.dns ? dns : []).map((name) => `DNS=${name}`),
  ].join(';');
}

const NONE_SHOWN: PeerCertificates = { peer: undefined, local: undefined };

/** An element and what it was made for. */
interface WrittenElement {
  readonly own: string;
  readonly details: ClientCertDetails;
  readonly text: string;
}

/** The element of a connection is the same for each of its requests. */
const written = new WeakMap<TlsFacts, WrittenElement>();

function elementOf(tls: TlsFacts, own: string, details: ClientCertDetails): string {
  const known = written.get(tls);
  if (known?.own === own && known.details === details) return known.text;
  const text = wireSafe(clientCertElement(tls, own, details));
  written.set(tls, { own, details, text });
  return text;
}

function writeClientCert(headers: Headers, { config, tls, own }: ForwardingSubject): void {
  const mode = config.forwardClientCert;
  if (mode === 'ALWAYS_FORWARD_ONLY') return;
  if (mode === 'SANITIZE' || tls === undefined || tls.peerCertificateHash === '') {
    headers.remove(XFCC);
    return;
  }
  if (mode === 'FORWARD_ONLY') return;
  const element = elementOf(tls, own, config.certDetails);
  const before = mode === 'APPEND_FORWARD' ? headers.joined(XFCC) : undefined;
  headers.put(XFCC, before === undefined ? element : `${before},${element}`);
}
