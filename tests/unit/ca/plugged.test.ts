import { execFileSync, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority, createTokenIssuer } from '#ca';
import { makeRequest, standingClock } from './support.ts';

const clock = standingClock(Date.now());
const tokens = createTokenIssuer({ clock });
const token = tokens.mint({ namespace: 'default', serviceAccount: 'cart', pod: 'cart-1' });

type Material = ReturnType<typeof createCertificateAuthority>['material'];

const authorityOf = (material: Material) =>
  createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens, material });
const newMaterial = (): Material =>
  createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens }).material;

describe('a CA that is plugged in', () => {
  it('signs with its own chain and trusts all roots of the bundle', async () => {
    const [one, two] = [newMaterial(), newMaterial()];
    const authority = authorityOf({ ...one, rootCertPem: one.rootCertPem + two.rootCertPem });
    const { chainPem, rootsPem } = authority.sign((await makeRequest([])).csrPem, token);
    expect(chainPem.slice(1)).toEqual([one.caCertPem]);
    expect(rootsPem).toEqual([one.rootCertPem, two.rootCertPem]);
  });

  it.each([
    [
      'another key',
      (a: Material, b: Material) => ({ ...a, caKeyPem: b.caKeyPem }),
      'ca-key.pem is not the key of ca-cert.pem',
    ],
    [
      'a foreign root',
      (a: Material, b: Material) => ({ ...a, rootCertPem: b.rootCertPem }),
      'no certificate of root-cert.pem vouches',
    ],
    ['no root', (a: Material) => ({ ...a, rootCertPem: 'x' }), 'root-cert.pem holds no certificate'],
    ['no key', (a: Material) => ({ ...a, caKeyPem: 'x' }), 'ca-key.pem holds no private key'],
    ['no certificate', (a: Material) => ({ ...a, caCertPem: 'x' }), 'ca-cert.pem holds no certificate'],
    [
      'a revocation list of nobody',
      (a: Material) => ({ ...a, crlPem: 'x' }),
      'failed to parse CRL PEM: it holds no list',
    ],
  ])('with %s is refused before it signs anything', (_what, change, reason) => {
    const material = change(newMaterial(), newMaterial());
    expect(() => authorityOf(material)).toThrow(reason);
    expect(() => authorityOf(material)).not.toThrow(/PRIVATE KEY/);
  });

  it('is refused once it has expired, and signs nothing that outlives it', async () => {
    const material = newMaterial();
    const end = new X509Certificate(material.caCertPem).validToDate.getTime();
    const late = standingClock(end - 3600_000);
    const lateTokens = createTokenIssuer({ clock: late });
    const authority = createCertificateAuthority({ trustDomain: 'td', clock: late, tokens: lateTokens, material });
    const bearer = lateTokens.mint({ namespace: 'a', serviceAccount: 'b', pod: 'c' });
    expect(authority.sign((await makeRequest([])).csrPem, bearer).notAfterMs).toBe(end);
    late.advance(2 * 3600_000);
    expect(() => createCertificateAuthority({ trustDomain: 'td', clock: late, tokens, material })).toThrow(
      /is valid from/,
    );
  });
});

describe.skipIf(spawnSync('openssl', ['version']).error !== undefined)('a CA made with openssl', () => {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-plugged-'));
  const openssl = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
  const file = (name: string): string => readFileSync(join(folder, name), 'utf8');
  afterAll(() => rmSync(folder, { recursive: true }));

  describe.each([
    ['RSA', ['rsa:2048']],
    ['P-384', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ])('with %s keys', (name, key) => {
    const material = { caCertPem: '', caKeyPem: '', certChainPem: '', rootCertPem: '' };

    beforeAll(() => {
      const [root, ca] = [`root-${name}`, `ca-${name}`];
      openssl(
        'req',
        '-x509',
        '-newkey',
        ...key,
        '-nodes',
        '-subj',
        '/O=Istio/CN=Root CA',
        '-days',
        '30',
        '-keyout',
        `${root}.key`,
        '-out',
        `${root}.pem`,
      );
      openssl(
        'req',
        '-new',
        '-newkey',
        ...key,
        '-nodes',
        '-subj',
        '/O=Istio/CN=Intermediate CA/L=cluster1',
        '-keyout',
        `${ca}.key`,
        '-out',
        `${ca}.csr`,
      );
      writeFileSync(
        join(folder, 'ext'),
        'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n',
      );
      openssl(
        'x509',
        '-req',
        '-in',
        `${ca}.csr`,
        '-CA',
        `${root}.pem`,
        '-CAkey',
        `${root}.key`,
        '-CAcreateserial',
        '-days',
        '20',
        '-extfile',
        'ext',
        '-out',
        `${ca}.pem`,
      );
      material.caCertPem = file(`${ca}.pem`);
      material.caKeyPem = file(`${ca}.key`);
      material.rootCertPem = file(`${root}.pem`);
      material.certChainPem = material.caCertPem + material.rootCertPem;
    });

    it('signs certificates that openssl verifies', async () => {
      const { chainPem, rootsPem } = authorityOf(material).sign((await makeRequest([])).csrPem, token);
      writeFileSync(join(folder, 'leaf'), chainPem[0]!);
      writeFileSync(join(folder, 'chain'), chainPem.slice(1).join(''));
      writeFileSync(join(folder, 'root'), rootsPem.join(''));
      expect(openssl('verify', '-purpose', 'sslclient', '-CAfile', 'root', '-untrusted', 'chain', 'leaf')).toBe(
        'leaf: OK\n',
      );
    });
  });
});
