import { verify, type X509Certificate } from 'node:crypto';
import { decodeAll, first, fromPem, members, splitPem, tags } from './der.ts';
import { algorithmOf } from './signature-algorithms.ts';

const LABEL = 'X509 CRL';

/**
 * The CAs of a chain for which `crlPem` (RFC 5280 §5, one list after the other) has no list that they signed. A proxy that is given lists
 * refuses every certificate of a CA without one. RangeError for a list that cannot be read.
 */
export function withoutList(crlPem: string, chain: readonly X509Certificate[]): X509Certificate[] {
  const lists = splitPem(LABEL, crlPem).map((pem) => readList(fromPem(LABEL, pem) ?? Buffer.alloc(0)));
  if (lists.length === 0) throw new RangeError('it holds no list');
  return chain.filter((ca) => !lists.some((list) => isSignedBy(list, ca)));
}

interface RevocationList {
  /** What is signed. */
  readonly info: Buffer;
  readonly algorithm: string;
  readonly signature: Buffer;
}

function readList(der: Buffer): RevocationList {
  const [list, ...trailing] = decodeAll(der);
  if (list?.tag !== tags.sequence || trailing.length > 0) throw new RangeError('it is no single sequence');
  const [info, algorithm, signature] = members(list);
  if (info?.tag !== tags.sequence || algorithm?.tag !== tags.sequence || signature?.tag !== tags.bitString)
    throw new RangeError('a part is missing');
  return {
    info: info.raw,
    algorithm: first(members(algorithm)).raw.toString('hex'),
    signature: signature.content.subarray(1),
  };
}

function isSignedBy({ info, algorithm, signature }: RevocationList, ca: X509Certificate): boolean {
  const scheme = algorithmOf(algorithm);
  if (scheme === undefined || ca.publicKey.asymmetricKeyType !== scheme.keyType) return false;
  return verify(scheme.hash, info, ca.publicKey, signature);
}
