import { X509Certificate } from 'node:crypto';
import type { HandshakeRecord, HopHandshakes } from '#domain';
import type { HopEntry } from './hop-format.ts';

/** Connections whose handshakes are remembered: what is alike is one object. */
const MOST_KNOWN = 256;
const OF_THE_MESH = 'spiffe://';

/** One end of a hop, as its Envoy tells of it. */
interface Told {
  readonly side: HandshakeRecord['side'];
  readonly serverName: string;
  readonly version: string | null;
  readonly cipher: string | null;
  /** Of the peer: its certificate, as URL-encoded PEM, and the name in it. */
  readonly certificate: string | null;
  readonly uri: string | null;
}

/**
 * The handshakes of hops, as far as an Envoy tells of them: version and cipher, and the certificate of a peer that belongs to the mesh. What
 * was offered, and which protocol was agreed on, it does not tell.
 */
export class ToldHandshakes {
  readonly #roots: () => string | undefined;
  readonly #known = new Map<string, HandshakeRecord>();

  /** `roots`: the trust bundle of the mesh. */
  constructor(roots: () => string | undefined) {
    this.#roots = roots;
  }

  of(entry: HopEntry): HopHandshakes | undefined {
    const downstream = this.#record({
      side: 'server',
      serverName: entry.server_name ?? '',
      version: entry.client_tls,
      cipher: entry.client_cipher,
      certificate: entry.client_certificate,
      uri: entry.client_uri,
    });
    const upstream = this.#record({
      side: 'client',
      serverName: '',
      version: entry.host_tls,
      cipher: entry.host_cipher,
      certificate: entry.host_certificate,
      uri: entry.host_uri,
    });
    if (downstream === undefined && upstream === undefined) return undefined;
    return { ...(downstream && { downstream }), ...(upstream && { upstream }) };
  }

  #record(told: Told): HandshakeRecord | undefined {
    if (!isTold(told.version)) return undefined;
    const rootsPem = this.#roots();
    const key = JSON.stringify([told, rootsPem]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const record = recordOf(told, rootsPem);
    this.#known.set(key, record);
    if (this.#known.size > MOST_KNOWN) this.#known.delete(this.#known.keys().next().value!);
    return record;
  }
}

const isTold = (value: string | null): value is string => value !== null && value !== '' && value !== '-';

function recordOf({ side, serverName, version, cipher, certificate, uri }: Told, rootsPem?: string): HandshakeRecord {
  // Which bundle judges a stranger, only its cluster or its gateway knows.
  const isPeer = isTold(certificate) && uri?.startsWith(OF_THE_MESH) === true;
  return {
    side,
    offered: { serverName, alpn: [], versions: [] },
    agreed: { version: version ?? '', cipher: cipher ?? '' },
    ownChainPem: '',
    peerChain: isPeer ? [new X509Certificate(decodeURIComponent(certificate)).raw] : [],
    ...(isPeer && rootsPem !== undefined && { rootsPem }),
    // A client has the name that it wanted, else there were no request.
    expected: isPeer && side === 'client' ? [uri] : [],
  };
}
