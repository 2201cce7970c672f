import { X509Certificate } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import type { FetchResponse } from '#workloads';
import { curlError } from '../../../server/shell/programs/curl/failure.ts';
import { handshakeText } from '../../../server/shell/programs/curl/handshake.ts';
import { createTestCa } from '../data-plane-tls/certificates.ts';

describe('what curl -v tells of TLS', () => {
  let certificate: X509Certificate;
  beforeAll(async () => {
    const ca = await createTestCa();
    const { chainPem } = await ca.issue({ dns: ['cart.example', '*.shop.example'] });
    certificate = new X509Certificate(chainPem);
  });

  const told = (
    host: string,
    {
      insecure = false,
      http2 = false,
      problem,
      alpn = 'http/1.1',
      caFile,
    }: Record<string, unknown> & { alpn?: string } = {},
  ): string[] => {
    const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', group: 'X25519', alpn, certificate, problem };
    const init = { http2, tls: { insecure } } as never;
    const text = handshakeText({ tls } as unknown as FetchResponse, {
      init,
      hostname: host,
      caFile: caFile as undefined,
    });
    return text.split('\n').map((line) => line.replace(/^\* /, ''));
  };

  it('is what was offered, agreed on and shown, and that the certificate is good', () => {
    const lines = told('api.Shop.example', { caFile: 'ca.pem' });
    expect(lines.slice(0, 6)).toEqual([
      'ALPN: curl offers http/1.1',
      ' CAfile: ca.pem',
      ' CApath: /etc/ssl/certs',
      'SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / X25519 / id-ecPublicKey',
      'ALPN: server accepted http/1.1',
      'Server certificate:',
    ]);
    expect(lines[7]).toBe(` start date: ${certificate.validFrom}`);
    expect(lines).toContain(' subjectAltName: host "api.Shop.example" matched cert\'s "*.shop.example"');
    expect(lines.slice(-3)).toEqual([' SSL certificate verify ok.', 'using HTTP/1.1', '']);
    expect(told('cart.example')).toContain(' subjectAltName: host "cart.example" matched cert\'s "cart.example"');
  });

  it('is what would be wrong with the certificate where any will do', () => {
    const lines = told('other.example', {
      insecure: true,
      problem: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      http2: true,
      alpn: 'h2',
    });
    expect(lines[0]).toBe('ALPN: curl offers h2,http/1.1');
    expect(lines.filter((line) => /CAfile|subjectAltName/.test(line))).toEqual([]);
    expect(lines.slice(-3)).toEqual([
      ' SSL certificate verify result: unable to get local issuer certificate (20), continuing anyway.',
      'using HTTP/2',
      '',
    ]);
    expect(told('other.example', { insecure: true, problem: 'ERR_TLS_CERT_ALTNAME_INVALID', alpn: '' })).toEqual(
      expect.arrayContaining([
        'ALPN: server did not agree on a protocol. Uses default.',
        ' SSL certificate verify ok.',
      ]),
    );
  });

  it('is nothing without TLS; a certificate of nobody who is known is refused in OpenSSL’s first words', () => {
    const options = { init: {}, hostname: 'a', caFile: undefined };
    expect(handshakeText({ status: 200, headers: {}, body: Buffer.alloc(0) }, options)).toBe('');
    const refused = Object.assign(new Error('unable to verify the first certificate; if the root CA is'), {
      code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
    expect(curlError(refused, 'https://a/', {})).toEqual({
      code: 60,
      text: 'SSL certificate problem: unable to get local issuer certificate',
    });
  });
});
