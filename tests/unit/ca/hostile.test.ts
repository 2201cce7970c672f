import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createAccountTokens, createCertificateAuthority, createJwtKey, createTokenIssuer, SigningRefused } from '#ca';
import { bitString, encode, oid, sequence, tags, toPem, unsigned } from '../../../server/ca/der.ts';
import { standingClock } from './support.ts';

const me = 'spiffe://cluster.local/ns/default/sa/cart';
const clock = standingClock();
const cluster = createJwtKey();
const living = new Set(['default/cart-1']);
const tokens = createTokenIssuer({
  clock,
  key: cluster,
  exists: ({ namespace, name }) => living.has(`${namespace}/${name}`),
});
const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
const token = tokens.mint({ namespace: 'default', serviceAccount: 'cart', pod: 'cart-1' });

function outcome(csr: string, bearer = token, ttlMs = 0): string {
  try {
    authority.sign(csr, bearer, ttlMs);
    return 'signed';
  } catch (thrown) {
    if (thrown instanceof SigningRefused) return `${thrown.reason}: ${thrown.message}`;
    throw thrown;
  }
}

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';

interface Shape {
  readonly key?: KeyObject;
  readonly algorithm?: string;
  readonly hash?: string;
  /** GeneralNames by their tags. */
  readonly names?: readonly (readonly [tag: number, value: string | Uint8Array])[];
}

/** A request written byte by byte, so that it can be wrong in one place. */
function request({ key, algorithm = ECDSA_SHA256, hash = 'sha256', names = [[0x86, me]] }: Shape = {}): string {
  const signer = key ?? generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const publicKey = createPublicKey(signer).export({ type: 'spki', format: 'der' });
  const san = sequence(...names.map(([tag, value]) => encode(tag, Buffer.from(value as string))));
  const extensions = sequence(sequence(oid('2.5.29.17'), encode(tags.octetString, san)));
  const attribute = sequence(oid('1.2.840.113549.1.9.14'), encode(tags.set, extensions));
  const info = sequence(unsigned(Uint8Array.of(0)), sequence(), publicKey, encode(0xa0, attribute));
  const signature = bitString(sign(hash, info, signer));
  return toPem('CERTIFICATE REQUEST', sequence(info, sequence(oid(algorithm)), signature));
}

describe('a CSR', () => {
  it('written by hand is signed when nothing is wrong with it', () => {
    expect(outcome(request())).toBe('signed');
  });

  it.each([
    ['a second identity', [0x86, 'spiffe://cluster.local/ns/default/sa/admin']],
    ['another trust domain', [0x86, 'spiffe://elsewhere/ns/default/sa/cart']],
    ['the same identity in other letters', [0x86, me.toUpperCase()]],
    ['a host name', [0x82, 'istiod.istio-system.svc']],
    ['an address', [0x87, Uint8Array.of(10, 96, 0, 1)]],
    ['an e-mail address', [0x81, 'root@example.com']],
    ['a name of another kind', [0x88, '1.2.3']],
  ] as const)('that also asks for %s is refused', (_what, name) => {
    expect(outcome(request({ names: [[0x86, me], name] }))).toMatch(
      /^PERMISSION_DENIED: the token proves .*sa\/cart; the CSR asks for/,
    );
  });

  it('with a weak or unusual key is refused, and told why', () => {
    const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).privateKey;
    const withRsa = (bits: number) => request({ key: rsa(bits), algorithm: '1.2.840.113549.1.1.11' });
    expect(outcome(withRsa(1024))).toBe('INVALID_ARGUMENT: the key of the CSR is too short: 1024 bits, RSA needs 2048');
    expect(outcome(withRsa(2048))).toBe('signed');
    const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey;
    expect(outcome(request({ key: koblitz }))).toBe('INVALID_ARGUMENT: the key of the CSR is on the curve secp256k1');
  });

  it('signed with SHA-1, or with an algorithm that does not fit its key, is refused', () => {
    expect(outcome(request({ algorithm: '1.2.840.10045.4.1', hash: 'sha1' }))).toMatch(
      /^INVALID_ARGUMENT: .*algorithm/,
    );
    expect(outcome(request({ algorithm: '1.2.840.10045.4.3.3' }))).toMatch(
      /^INVALID_ARGUMENT: .*not signed by the key/,
    );
    expect(outcome(request({ algorithm: '1.3.101.112' }))).toMatch(/^INVALID_ARGUMENT/);
  });

  it('that is cut off, too long, or nested without end is refused, never an error of ours', () => {
    const der = Buffer.from(request().replace(/-----[^-]+-----|\s/g, ''), 'base64');
    for (let length = 0; length < der.length; length += 7) {
      expect(outcome(toPem('CERTIFICATE REQUEST', der.subarray(0, length)))).toMatch(/^INVALID_ARGUMENT/);
    }
    expect(outcome(toPem('CERTIFICATE REQUEST', Buffer.alloc(1_000_000, 0x30)))).toMatch(/^INVALID_ARGUMENT/);
    expect(outcome(toPem('CERTIFICATE REQUEST', Buffer.alloc(8000, 0x30)))).toMatch(/^INVALID_ARGUMENT/);
  });

  it('with any one byte changed is never signed for another identity', () => {
    const der = Buffer.from(request().replace(/-----[^-]+-----|\s/g, ''), 'base64');
    for (let at = 0; at < der.length; at++) {
      const changed = Buffer.from(der);
      changed[at] = changed[at]! ^ 0x01;
      // The signature covers all but the algorithm and itself.
      expect(outcome(toPem('CERTIFICATE REQUEST', changed))).not.toBe('signed');
    }
  });

  it('asks in vain for a longer life than the CA allows', () => {
    expect(outcome(request(), token, 91 * 24 * 3600_000)).toBe(
      'INVALID_ARGUMENT: requested TTL 7862400s is greater than the max allowed TTL 7776000s',
    );
    const { notBeforeMs, notAfterMs } = authority.sign(request(), token, 300_000);
    expect([notBeforeMs - clock.now(), notAfterMs - clock.now()]).toEqual([-120_000, 300_000]);
  });
});

describe('a token', () => {
  it('for another audience proves nothing to the CA, the cluster’s own key notwithstanding', () => {
    const accounts = createAccountTokens({ clock, key: cluster });
    const cart = { namespace: 'default', name: 'cart', uid: '1' };
    expect(outcome(request(), accounts.issue({ ...cart, audiences: [] }).token)).toMatch(
      /^UNAUTHENTICATED: .*audience|^UNAUTHENTICATED: the token is meant for/,
    );
    expect(outcome(request(), accounts.issue({ ...cart, audiences: ['vault'] }).token)).toMatch(/^UNAUTHENTICATED/);
    expect(outcome(request(), accounts.issue({ ...cart, audiences: ['istio-ca'] }).token)).toBe('signed');
  });

  it('of a pod that is gone proves nothing any more', () => {
    const replayed = tokens.mint({ namespace: 'default', serviceAccount: 'cart', pod: 'cart-0' });
    expect(outcome(request(), replayed)).toBe('UNAUTHENTICATED: the token is bound to the pod cart-0, which is gone');
  });

  it('of another account gives its own identity only', () => {
    living.add('default/thief-1');
    const thief = tokens.mint({ namespace: 'default', serviceAccount: 'thief', pod: 'thief-1' });
    expect(outcome(request(), thief)).toMatch(
      /^PERMISSION_DENIED: the token proves spiffe:\/\/cluster.local\/ns\/default\/sa\/thief/,
    );
  });

  it.each(['none', 'HS256', 'RS256'])('that names the algorithm %s is refused', (alg) => {
    const [, claims, signature] = token.split('.');
    const head = Buffer.from(JSON.stringify({ alg, typ: 'JWT' })).toString('base64url');
    for (const end of [signature, ''])
      expect(outcome(request(), `${head}.${claims}.${end}`)).toMatch(/^UNAUTHENTICATED/);
  });
});
