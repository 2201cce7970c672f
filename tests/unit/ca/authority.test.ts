import { execFileSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, connect as tlsConnect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { createCertificateAuthority, createTokenIssuer, SigningRefused } from '#ca';
import { makeRequest, standingClock } from './support.ts';

const reviews = 'spiffe://cluster.local/ns/default/sa/bookinfo-reviews';

function newAuthority() {
  const clock = standingClock();
  const tokens = createTokenIssuer({ clock });
  const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
  const token = tokens.mint({ namespace: 'default', serviceAccount: 'bookinfo-reviews', pod: 'reviews-v1-1' });
  return { clock, tokens, authority, token };
}

const reasonOf = (act: () => unknown): string => {
  try {
    act();
    return 'signed';
  } catch (thrown) {
    if (thrown instanceof SigningRefused) return thrown.reason;
    throw thrown;
  }
};

describe('the certificate authority', () => {
  it('signs an SVID for the identity that the token proves', async () => {
    const { authority, token } = newAuthority();
    const { csrPem, keyPem } = await makeRequest([reviews]);
    const svid = authority.sign(csrPem, token);
    const leaf = new X509Certificate(svid.chainPem[0]!);
    expect(leaf.subjectAltName).toBe(`URI:${reviews}`);
    expect(leaf.subject).toBeFalsy();
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(leaf.checkPrivateKey(createPrivateKey(keyPem))).toBe(true);
    expect(leaf.validFromDate.toISOString()).toBe('2026-03-01T09:58:00.000Z');
    expect(leaf.validToDate.toISOString()).toBe('2026-03-02T10:00:00.000Z');
    expect(leaf.serialNumber.toLowerCase()).toBe(svid.serialNumber);
  });

  it('signs in the trust domain that workloads have now, also for those that know an earlier one', async () => {
    const clock = standingClock();
    const tokens = createTokenIssuer({ clock });
    let domain = 'cluster.local';
    const options = { trustDomain: domain, workloadTrustDomain: () => domain, clock, tokens };
    const authority = createCertificateAuthority(options);
    const token = tokens.mint({ namespace: 'default', serviceAccount: 'bookinfo-reviews', pod: 'reviews-v1-1' });
    const namesOf = async (asked: string): Promise<string | undefined> =>
      new X509Certificate(authority.sign((await makeRequest([asked])).csrPem, token).chainPem[0]!).subjectAltName;
    expect(await namesOf(reviews)).toBe(`URI:${reviews}`);
    domain = 'new.example';
    const renamed = reviews.replace('cluster.local', domain);
    expect(await namesOf(renamed)).toBe(`URI:${renamed}`);
    expect(await namesOf(reviews)).toBe(`URI:${renamed}`);
    const { csrPem } = await makeRequest([reviews.replace('cluster.local', 'never.example')]);
    expect(reasonOf(() => authority.sign(csrPem, token))).toBe('PERMISSION_DENIED');
  });

  it('builds a chain in which each certificate is signed by the next', async () => {
    const { authority, token } = newAuthority();
    const svid = authority.sign((await makeRequest([])).csrPem, token);
    const chain = [...svid.chainPem, ...svid.rootsPem].map((pem) => new X509Certificate(pem));
    expect(chain).toHaveLength(3);
    expect(chain.map(({ ca }) => ca)).toEqual([false, true, true]);
    expect(chain[0]!.checkIssued(chain[1]!) && chain[0]!.verify(chain[1]!.publicKey)).toBe(true);
    expect(chain[1]!.checkIssued(chain[2]!) && chain[1]!.verify(chain[2]!.publicKey)).toBe(true);
    expect(chain[2]!.verify(chain[2]!.publicKey)).toBe(true);
  });

  it('satisfies openssl verify for both sides of TLS', async ({ skip }) => {
    const folder = mkdtempSync(join(tmpdir(), 'meshwork-ca-'));
    try {
      execFileSync('openssl', ['version']);
    } catch (cause) {
      rmSync(folder, { recursive: true });
      skip(`openssl is not on the path: ${String(cause)}`);
    }
    const { authority, token, clock } = newAuthority();
    const svid = authority.sign((await makeRequest([reviews])).csrPem, token);
    const files = { leaf: svid.chainPem[0]!, chain: svid.chainPem[1]!, root: svid.rootsPem[0]! };
    for (const [name, pem] of Object.entries(files)) writeFileSync(join(folder, name), pem);
    const at = String(Math.floor(clock.now() / 1000));
    for (const purpose of ['sslserver', 'sslclient']) {
      const output = execFileSync(
        'openssl',
        [
          'verify',
          '-x509_strict',
          '-attime',
          at,
          '-purpose',
          purpose,
          '-CAfile',
          'root',
          '-untrusted',
          'chain',
          'leaf',
        ],
        { cwd: folder, encoding: 'utf8' },
      );
      expect(output.trim()).toBe('leaf: OK');
    }
    rmSync(folder, { recursive: true });
  });

  it('refuses a CSR for another identity and says which', async () => {
    const { authority, token } = newAuthority();
    const { csrPem } = await makeRequest(['spiffe://cluster.local/ns/default/sa/bookinfo-ratings']);
    expect(reasonOf(() => authority.sign(csrPem, token))).toBe('PERMISSION_DENIED');
    expect(() => authority.sign(csrPem, token)).toThrow(
      `the token proves ${reviews}; the CSR asks for spiffe://cluster.local/ns/default/sa/bookinfo-ratings`,
    );
  });

  it('refuses a CSR whose signature is not made by its key', async () => {
    const { authority, token } = newAuthority();
    const [one, two] = [await makeRequest([reviews]), await makeRequest([reviews])];
    const body = (pem: string) => Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
    const mixed = Buffer.concat([body(one.csrPem).subarray(0, -64), body(two.csrPem).subarray(-64)]);
    const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${mixed.toString('base64')}\n-----END CERTIFICATE REQUEST-----`;
    expect(reasonOf(() => authority.sign(pem, token))).toBe('INVALID_ARGUMENT');
  });

  it.each(['', 'no pem', '-----BEGIN CERTIFICATE REQUEST-----\nMIIB\n-----END CERTIFICATE REQUEST-----'])(
    'refuses the unreadable CSR %j',
    (csr) => {
      const { authority, token } = newAuthority();
      expect(reasonOf(() => authority.sign(csr, token))).toBe('INVALID_ARGUMENT');
    },
  );

  it('remains the same authority when it is started again from its material', async () => {
    const { authority, tokens, token, clock } = newAuthority();
    const { material } = authority;
    const again = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens, material });
    const svid = again.sign((await makeRequest([])).csrPem, token);
    expect(again.rootsPem).toEqual(authority.rootsPem);
    expect(new X509Certificate(svid.chainPem[0]!).verify(new X509Certificate(material.caCertPem).publicKey)).toBe(true);
  });

  it('issues certificates that a mutual TLS 1.3 handshake accepts', async () => {
    const clock = standingClock(Date.now());
    const tokens = createTokenIssuer({ clock });
    const authority = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
    const token = tokens.mint({ namespace: 'default', serviceAccount: 'bookinfo-reviews', pod: 'p' });
    const { csrPem, keyPem } = await makeRequest([]);
    const { chainPem, rootsPem } = authority.sign(csrPem, token);
    const identity = { key: keyPem, cert: chainPem.join(''), ca: [...rootsPem], minVersion: 'TLSv1.3' as const };
    const server = createServer({ ...identity, requestCert: true, rejectUnauthorized: true }, (socket) => {
      socket.end(socket.getPeerCertificate().subjectaltname ?? 'none');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const client = tlsConnect({ ...identity, checkServerIdentity: () => undefined, port, host: '127.0.0.1' });
    const seen = await new Promise<string>((resolve, reject) => {
      client.on('data', (bytes) => resolve(bytes.toString()));
      client.on('error', reject);
    });
    client.destroy();
    server.close();
    expect(seen).toBe(`URI:${reviews}`);
  });
});

describe('service account tokens', () => {
  it('prove namespace, service account and pod', () => {
    const { tokens, token } = newAuthority();
    expect(tokens.verify(token)).toEqual({
      namespace: 'default',
      serviceAccount: 'bookinfo-reviews',
      pod: 'reviews-v1-1',
    });
  });

  it('are refused when expired, changed, foreign or not tokens', () => {
    const { tokens, token, clock } = newAuthority();
    const foreign = createTokenIssuer({ clock }).mint({ namespace: 'default', serviceAccount: 'admin', pod: 'p' });
    const [head, , signature] = token.split('.');
    const changed = `${head}.${foreign.split('.')[1]}.${signature}`;
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${foreign.split('.')[1]}.`;
    for (const bad of [foreign, changed, unsigned, 'x', ''])
      expect(reasonOf(() => tokens.verify(bad))).toBe('UNAUTHENTICATED');
    clock.advance(13 * 3600_000);
    expect(() => tokens.verify(token)).toThrow('the token has expired');
  });
});
