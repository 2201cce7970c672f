import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createCertificateAuthority, createTokenIssuer } from '#ca';
import { clock } from '../mesh/data-plane-harness.ts';
import { createIdentities, type TestIdentities } from '../mesh/identity-clients.ts';
import { type AdsFixture, snapshot, startAds } from '../unit/xds/ads-fixture.ts';
import { type GrpcBackend, type GrpcXdsClient, startGrpcBackend, startGrpcXdsClient } from './xds-grpc/grpc-peers.ts';
import { canary, target } from './xds-grpc/resources.ts';

const nodeId = 'sidecar~127.8.1.9~client.default~default.svc.cluster.local';
const REVIEWS = 'spiffe://cluster.local/ns/default/sa/reviews';

describe("gRPC's own xDS client over mutual TLS, with certificates of our CA", () => {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-grpc-'));
  const file = (name: string): string => join(folder, name);
  let identities: TestIdentities;
  let backend: GrpcBackend;
  let fixture: AdsFixture;
  let client: GrpcXdsClient;
  let pushes = 1;

  const resources = (server: string) => canary({ v1: backend, v2: backend, weights: [50, 50], server });
  const push = async (server: string): Promise<void> => {
    const version = String(++pushes);
    fixture.ads.setSnapshot(nodeId, snapshot(version, resources(server)));
    await fixture.event(({ versionInfo, state }) => versionInfo === version && state === 'acked');
  };

  beforeAll(async () => {
    const tokens = createTokenIssuer({ clock });
    const { material } = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
    identities = await createIdentities(material);
    const { key, cert } = await identities.certify('reviews');
    const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
    // The server asks for a client's certificate and knows our root only.
    const credentials = ServerCredentials.createSsl(Buffer.from(identities.rootsPem), [pair], true);
    backend = await startGrpcBackend('reviews', { credentials });
    const own = identities.credentials.get('mesh mTLS')!;
    writeFileSync(file('chain.pem'), own.cert);
    writeFileSync(file('key.pem'), own.key);
    writeFileSync(file('roots.pem'), identities.rootsPem);
    fixture = await startAds(() => snapshot('1', resources(REVIEWS)));
    client = startGrpcXdsClient({
      xdsAddress: fixture.address,
      nodeId,
      certificates: { chain: file('chain.pem'), key: file('key.pem'), roots: file('roots.pem') },
    });
  });
  afterAll(async () => {
    await client?.stop();
    fixture?.stop();
    backend?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is answered by the workload that it expects', async () => {
    expect(await client.ask(`xds:///${target}`, 20)).toEqual({ reviews: 20 });
    expect(fixture.events.filter(({ state }) => state === 'nacked')).toEqual([]);
  });

  it('refuses a server that proves another identity than the control plane named', async () => {
    await push('spiffe://cluster.local/ns/default/sa/ratings');
    const answers = await client.ask(`xds:///${target}`, 2, { timeoutMs: 3000 });
    expect(Object.keys(answers).every((answer) => /^(UNAVAILABLE|DEADLINE_EXCEEDED)/.test(answer))).toBe(true);
  });

  it('is answered again when the right identity is named', async () => {
    await push(REVIEWS);
    expect(await client.ask(`xds:///${target}`, 10)).toEqual({ reviews: 10 });
  });
});
