import { X509Certificate } from 'node:crypto';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { certificateService, createCertificateAuthority, createCertificateClient, createTokenIssuer } from '#ca';
import { makeRequest, standingClock } from './support.ts';

const clock = standingClock();
const tokens = createTokenIssuer({ clock });
const token = tokens.mint({ namespace: 'default', serviceAccount: 'cart', pod: 'cart-1' });

describe('IstioCertificateService', () => {
  let server: Server;
  let client: ReturnType<typeof createCertificateClient>;

  beforeEach(async () => {
    server = new Server();
    certificateService(createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens })).register(server);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    client = createCertificateClient(`127.0.0.1:${port}`);
  });

  afterEach(() => {
    client.close();
    server.forceShutdown();
  });

  it('answers a CSR with the chain, and the client takes the root from its end', async () => {
    const { csrPem } = await makeRequest(['spiffe://cluster.local/ns/default/sa/cart']);
    const { chainPem, rootsPem } = await client.sign(csrPem, token);
    expect(chainPem).toHaveLength(2);
    expect(new X509Certificate(chainPem[0]!).subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/cart');
    expect(new X509Certificate(chainPem[1]!).verify(new X509Certificate(rootsPem[0]!).publicKey)).toBe(true);
  });

  it('tells why it refuses', async () => {
    const { csrPem } = await makeRequest(['spiffe://cluster.local/ns/default/sa/inventory']);
    await expect(client.sign(csrPem, token)).rejects.toThrow(/PERMISSION_DENIED: the token proves .*sa\/cart; the CSR/);
    await expect(client.sign(csrPem, 'forged')).rejects.toThrow(/UNAUTHENTICATED/);
    await expect(client.sign('nothing', token)).rejects.toThrow(/INVALID_ARGUMENT/);
  });

  it('answers hostile calls that arrive together, each with its reason, and goes on signing', {
    timeout: 30_000,
  }, async () => {
    const { csrPem } = await makeRequest([]);
    const pem = (bytes: Buffer): string =>
      `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
    const [, claims, signature] = token.split('.');
    const headed = (header: object): string => Buffer.from(JSON.stringify(header)).toString('base64url');
    const hostile: readonly (readonly [csr: string, token: string, reason: RegExp])[] = [
      ['', token, /INVALID_ARGUMENT/],
      [pem(Buffer.alloc(8000, 0x30)), token, /INVALID_ARGUMENT/],
      [pem(Buffer.alloc(1_000_000, 0x30)), token, /INVALID_ARGUMENT/],
      ['x'.repeat(5_000_000), token, /RESOURCE_EXHAUSTED|received message larger/i],
      [csrPem.slice(0, 200), token, /INVALID_ARGUMENT/],
      [csrPem, '', /UNAUTHENTICATED/],
      [csrPem, 'a'.repeat(5000), /UNAUTHENTICATED/],
      [csrPem, `${headed({ alg: 'none' })}.${claims}.`, /UNAUTHENTICATED/],
      [csrPem, `${headed({ alg: 'none' })}.${claims}.${signature}`, /UNAUTHENTICATED/],
      [csrPem, `${headed({ alg: 'ES256', kid: '../../key' })}.${claims}.${signature}`, /UNAUTHENTICATED/],
      [csrPem, `${token}.more`, /UNAUTHENTICATED/],
    ];
    await Promise.all(hostile.map(([csr, bearer, reason]) => expect(client.sign(csr, bearer)).rejects.toThrow(reason)));
    expect((await client.sign(csrPem, token)).chainPem).toHaveLength(2);
  });

  it('signs thirty requests that arrive together', async () => {
    const { csrPem } = await makeRequest([]);
    const signed = await Promise.all(Array.from({ length: 30 }, () => client.sign(csrPem, token)));
    expect(new Set(signed.map(({ chainPem }) => new X509Certificate(chainPem[0]!).serialNumber)).size).toBe(30);
  });
});
