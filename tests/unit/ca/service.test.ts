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

  it('signs thirty requests that arrive together', async () => {
    const { csrPem } = await makeRequest([]);
    const signed = await Promise.all(Array.from({ length: 30 }, () => client.sign(csrPem, token)));
    expect(new Set(signed.map(({ chainPem }) => new X509Certificate(chainPem[0]!).serialNumber)).size).toBe(30);
  });
});
