import type { HttpFilterConfig } from '../config/network-filter.ts';
import type { TlsFacts } from './codec.ts';
import type { Headers } from './headers.ts';

/** Headers by which a client could steer an edge proxy; a gateway takes them from nobody. */
const EDGE_STRIPPED: ReadonlySet<string> = new Set([
  'x-envoy-decorator-operation',
  'x-envoy-downstream-service-cluster',
  'x-envoy-downstream-service-node',
  'x-envoy-expected-rq-timeout-ms',
  'x-envoy-force-trace',
  'x-envoy-internal',
  'x-envoy-max-retries',
  'x-envoy-original-path',
  'x-envoy-peer-metadata',
  'x-envoy-peer-metadata-id',
  'x-envoy-retriable-header-names',
  'x-envoy-retriable-status-codes',
  'x-envoy-retry-grpc-on',
  'x-envoy-retry-on',
  'x-envoy-upstream-rq-per-try-timeout-ms',
  'x-envoy-upstream-rq-timeout-ms',
]);

export interface ForwardingSubject {
  readonly config: HttpFilterConfig;
  readonly remoteIp: string;
  readonly tls: TlsFacts | undefined;
  /** SPIFFE id of this proxy. */
  readonly own: string;
}

/** X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Client-Cert and the sanitising of x-envoy-* at the edge, as Envoy does it. */
export function writeForwardingHeaders(headers: Headers, subject: ForwardingSubject): void {
  const scheme = subject.tls === undefined ? 'http' : 'https';
  if (subject.config.useRemoteAddress) {
    stripSteering(headers);
    const before = headers.joined('x-forwarded-for');
    headers.put('x-forwarded-for', before === undefined ? subject.remoteIp : `${before},${subject.remoteIp}`);
    headers.put('x-envoy-external-address', subject.remoteIp);
    headers.put('x-forwarded-proto', scheme);
  } else if (!headers.has('x-forwarded-proto')) {
    headers.put('x-forwarded-proto', scheme);
  }
  writeClientCert(headers, subject);
}

function stripSteering(headers: Headers): void {
  const { flat } = headers;
  for (let i = 0; i < flat.length; ) {
    const name = flat[i]!;
    if (name.startsWith('x-envoy-') && EDGE_STRIPPED.has(name)) headers.remove(name);
    else i += 2;
  }
}

const XFCC = 'x-forwarded-client-cert';

function writeClientCert(headers: Headers, { config, tls, own }: ForwardingSubject): void {
  const mode = config.forwardClientCert;
  if (mode === 'ALWAYS_FORWARD_ONLY') return;
  if (mode === 'SANITIZE' || tls === undefined || tls.peerCertificateHash === '') {
    headers.remove(XFCC);
    return;
  }
  if (mode === 'FORWARD_ONLY') return;
  const element = `By=${own};Hash=${tls.peerCertificateHash};Subject="${tls.peerSubject}";URI=${tls.peerSpiffeId}`;
  const before = mode === 'APPEND_FORWARD' ? headers.joined(XFCC) : undefined;
  headers.set(XFCC, before === undefined ? element : `${before},${element}`);
}
