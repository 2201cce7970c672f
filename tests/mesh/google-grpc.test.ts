import 'reflect-metadata';
import { generateKeyPairSync, webcrypto } from 'node:crypto';
import { ServerCredentials } from '@grpc/grpc-js';
import * as x509 from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { http, outboundListener, router, standardClusters, virtualOutbound } from './data-plane-config.ts';
import { createTestCa, type Pod, startPod } from './data-plane-harness.ts';
import { serveAuthority } from './grpc-authorities.ts';
import { NET } from './own-network.ts';

const VIP = `${NET}.9.9`;
const AUTHORITY = { ip: `${NET}.2.1`, port: 9001 };
const NAME = 'authz.example';
const [TRUSTED, STRANGE] = [81, 82];

/** A key, and a certificate for a name that the CA has signed. */
async function identity(ca: Awaited<ReturnType<typeof createTestCa>>, name: string) {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const subtle = webcrypto.subtle as unknown as Crypto['subtle'];
  const use = { name: 'ECDSA', namedCurve: 'P-256' };
  const [priv, pub] = await Promise.all([
    subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), use, true, ['sign']),
    subtle.importKey('spki', publicKey.export({ type: 'spki', format: 'der' }), use, true, ['verify']),
  ]);
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: 'CN=authz',
    keys: { privateKey: priv, publicKey: pub },
    signingAlgorithm: { name: 'ECDSA', hash: 'SHA-256' },
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  const signed = await ca.sign(request.toString('pem'), 'token');
  return { ...signed, keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string };
}

const listener = (port: number, roots: string) => ({
  ...outboundListener(port),
  filter_chains: [
    {
      filters: [
        http({
          stat_prefix: `p${port}`,
          http_filters: [
            {
              name: 'envoy.filters.http.ext_authz',
              typed_config: {
                '@type': 'type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
                transport_api_version: 'V3',
                grpc_service: {
                  google_grpc: {
                    target_uri: `dns:///${NAME}:${AUTHORITY.port}`,
                    stat_prefix: `authz-${port}`,
                    channel_credentials: { ssl_credentials: { root_certs: { inline_string: roots } } },
                  },
                  timeout: '2s',
                },
              },
            },
            router,
          ],
          route_config: {
            name: `${port}`,
            virtual_hosts: [
              { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
            ],
          },
        }),
      ],
    },
  ],
});

describe('a service that google_grpc names with TLS', () => {
  const stops: (() => void)[] = [];
  let pod: Pod;
  let asked = 0;
  beforeAll(async () => {
    const [ca, other] = [await createTestCa(), await createTestCa()];
    const own = await identity(ca, NAME);
    const foreign = await identity(other, NAME);
    const authority = await serveAuthority(
      `${AUTHORITY.ip}:${AUTHORITY.port}`,
      {
        proto: 'envoy/service/auth/v3/external_auth.proto',
        service: 'envoy.service.auth.v3.Authorization',
        method: 'Check',
      },
      (_request, reply) => {
        asked++;
        reply(null, { status: { code: 0 } });
      },
      ServerCredentials.createSsl(null, [
        { private_key: Buffer.from(own.keyPem), cert_chain: Buffer.from(own.chainPem.join('')) },
      ]),
    );
    stops.push(() => authority.stop());
    const resolve = async () => ({ addresses: [AUTHORITY.ip], ttlS: 60 });
    pod = await startPod({ ip: `${NET}.1.1`, name: 'shop-a', signer: ca, resolve }, (xds) => {
      const refused = [
        ...xds.push(typeUrls.cluster, standardClusters),
        ...xds.push(typeUrls.listener, [
          virtualOutbound,
          listener(TRUSTED, own.rootsPem.join('')),
          listener(STRANGE, foreign.rootsPem.join('')),
        ]),
      ];
      if (refused.length > 0) throw new Error(JSON.stringify(refused));
    });
  });
  afterAll(async () => {
    await pod?.stop();
    for (const stop of stops) stop();
  });

  const figure = (name: string): number | undefined => pod.proxy.admin.stats().get(name);

  it('is asked where its certificate comes from the roots that are given', async () => {
    const { status } = await pod.fetch({ ip: VIP, port: TRUSTED }, { path: '/' });
    expect(status).toBe(200);
    expect(asked).toBe(1);
    expect(figure(`grpc.authz-${TRUSTED}.streams_closed_0`)).toBe(1);
  });

  it('is not asked where it comes from others', async () => {
    const { status } = await pod.fetch({ ip: VIP, port: STRANGE }, { path: '/' });
    expect(status).toBe(403);
    expect(asked).toBe(1);
    expect(figure(`grpc.authz-${STRANGE}.streams_closed_13`)).toBe(1);
  });
});
