import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { createCertificateAuthority, createTokenIssuer } from '#ca';
import { clock } from '../mesh/data-plane-harness.ts';
import { createIdentities, type TestIdentities } from '../mesh/identity-clients.ts';
import { freePort } from '../support/free-port.ts';
import { cleanups, newStore, serve } from '../unit/control-plane/fixture.ts';
import {
  type BackendOptions,
  type GrpcBackend,
  type GrpcXdsClient,
  type GrpcXdsNode,
  startGrpcBackend,
  startGrpcXdsClient,
  startGrpcXdsServer,
} from './xds-grpc/grpc-peers.ts';
import { destinationRule, objectOf, REVIEWS, reviewsOf, virtualService } from './xds-grpc/mesh.ts';

const CLIENT = 'sidecar~127.8.1.9~client.default~default.svc.cluster.local';
/** A change is answered within this time, or the test fails. */
const SETTLE_MS = 5000;

interface Mesh {
  /** Of the ADS server. */
  readonly address: string;
  readonly client: GrpcXdsClient;
  /** Applies one object and waits until the client has taken all that follows from it. */
  apply(yaml: string): Promise<void>;
}

let backends = 0;

/** Each has an address of its own, as pods have: a control plane knows an endpoint by its address and the port's name. */
async function backend(name: string, options?: BackendOptions): Promise<GrpcBackend> {
  backends += 1;
  const started = await startGrpcBackend(name, { host: `127.8.2.${backends}`, ...options });
  cleanups.push(() => started.stop());
  return started;
}

/** Our control plane with the service `reviews`, and gRPC's own client that asks it. */
async function meshOf(backends: readonly GrpcBackend[], node: Partial<GrpcXdsNode> = {}): Promise<Mesh> {
  const store = newStore(reviewsOf(...backends));
  const { address, controlPlane } = await serve(store);
  const client = startGrpcXdsClient({
    xdsAddress: address,
    nodeId: CLIENT,
    metadata: { NAMESPACE: 'default' },
    ...node,
  });
  cleanups.push(() => void client.stop());
  let changes = 0;
  return {
    address,
    client,
    apply: async (yaml) => {
      const changeId = String(++changes);
      store.apply(objectOf(yaml), { changeId });
      const { proxies } = await controlPlane.settled(changeId, SETTLE_MS);
      expect(proxies.map(({ error }) => error)).toEqual(proxies.map(() => undefined));
    },
  };
}

type Certificates = NonNullable<GrpcXdsNode['certificates']>;

/** A CA of the mesh, and files with what it signs for a service account. */
async function identitiesOf(): Promise<TestIdentities & { files(account: string): Promise<Certificates> }> {
  const folder = mkdtempSync(join(tmpdir(), 'meshwork-grpc-'));
  cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
  const tokens = createTokenIssuer({ clock });
  const { material } = createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens });
  const identities = await createIdentities(material);
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  return {
    ...identities,
    files: async (account) => {
      const { key, cert } = await identities.certify(account);
      return {
        chain: file(`${account}.pem`, cert),
        key: file(`${account}-key.pem`, key),
        roots: file('roots.pem', identities.rootsPem),
      };
    },
  };
}

/** Answers by status alone: details tell times. */
function statusesOf(answers: Readonly<Record<string, number>>): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [answer, count] of Object.entries(answers)) {
    const word = answer.split(':')[0]!;
    sums[word] = (sums[word] ?? 0) + count;
  }
  return sums;
}

const canary = (v1: number, v2: number): string =>
  virtualService(`  - route:
      - { destination: { host: reviews, subset: v1 }, weight: ${v1} }
      - { destination: { host: reviews, subset: v2 }, weight: ${v2} }`);

const peerAuthentication = (mode: string): string => `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: default }
spec: { mtls: { mode: ${mode} } }
`;

const allow = (principal: string): string => `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: reviews, namespace: default }
spec:
  selector: { matchLabels: { app: reviews } }
  rules: [{ from: [{ source: { principals: ["${principal}"] } }] }]
`;

describe("gRPC's own xDS client, told by our control plane", () => {
  it("resolves a service by its Istio names and follows the learner's weights", async () => {
    const { client, apply } = await meshOf([await backend('v1'), await backend('v2')]);
    await apply(canary(90, 10));
    const shares = await client.ask(REVIEWS, 500);
    expect(Object.keys(shares).sort()).toEqual(['v1', 'v2']);
    expect(shares['v2']).toBeGreaterThan(20);
    expect(shares['v2']).toBeLessThan(90);
    await apply(canary(0, 100));
    expect(await client.ask(REVIEWS, 50)).toEqual({ v2: 50 });
    expect(await client.ask('xds:///reviews:9080', 20)).toEqual({ v2: 20 });
  });

  it('matches headers and the method of a call', async () => {
    const { client, apply } = await meshOf([await backend('v1'), await backend('v2')]);
    await apply(
      virtualService(`  - match:
      - headers: { end-user: { exact: jason } }
      - headers: { cohort: { regex: "beta-[0-9]+" } }
      - headers: { tier: { prefix: gold } }
      - { uri: { prefix: /meshwork.conformance.Backend/ }, withoutHeaders: { stable: {} }, headers: { canary: {} } }
    route: [{ destination: { host: reviews, subset: v2 } }]
  - route: [{ destination: { host: reviews, subset: v1 } }]`),
    );
    const answeredTo = async (headers: Record<string, string>): Promise<string[]> =>
      Object.keys(await client.ask(REVIEWS, 3, { headers }));
    expect(await answeredTo({})).toEqual(['v1']);
    for (const headers of [{ 'end-user': 'jason' }, { cohort: 'beta-12' }, { tier: 'golden' }, { canary: 'yes' }])
      expect(await answeredTo(headers), JSON.stringify(headers)).toEqual(['v2']);
    for (const headers of [{ 'end-user': 'Jason' }, { cohort: 'beta-' }, { canary: 'yes', stable: '1' }])
      expect(await answeredTo(headers), JSON.stringify(headers)).toEqual(['v1']);
  });

  it('fails calls and delays them as a fault says', async () => {
    const { client, apply } = await meshOf([await backend('v1')]);
    const rule = (fault: string): string =>
      virtualService(`  - match: [{ headers: { chaos: { exact: "1" } } }]
    fault: { ${fault} }
    route: [{ destination: { host: reviews } }]
  - route: [{ destination: { host: reviews } }]`);
    const headers = { chaos: '1' };
    await apply(rule('abort: { percentage: { value: 100 }, grpcStatus: "RESOURCE_EXHAUSTED" }'));
    const failed = await client.ask(REVIEWS, 10, { headers });
    expect(statusesOf(failed)).toEqual({ RESOURCE_EXHAUSTED: 10 });
    expect(await client.ask(REVIEWS, 10)).toEqual({ v1: 10 });
    await apply(rule('abort: { percentage: { value: 50 }, httpStatus: 503 }'));
    const half = await client.ask(REVIEWS, 400, { headers });
    expect(half['v1']).toBeGreaterThan(130);
    expect(half['v1']).toBeLessThan(270);
    expect(Object.keys(half).find((answer) => answer !== 'v1')).toMatch(/^UNAVAILABLE/);
    await apply(rule('delay: { percentage: { value: 100 }, fixedDelay: 2s }'));
    const late = await client.ask(REVIEWS, 3, { headers, timeoutMs: 500 });
    expect(statusesOf(late)).toEqual({ DEADLINE_EXCEEDED: 3 });
    expect(await client.ask(REVIEWS, 3, { timeoutMs: 500 })).toEqual({ v1: 3 });
  });

  it('keeps a user on one endpoint by a consistent hash of a header', async () => {
    const { client, apply } = await meshOf([await backend('v1'), await backend('v2')]);
    await apply(destinationRule('loadBalancer: { consistentHash: { httpHeaderName: x-user } }'));
    const chosen = new Set<string>();
    for (let user = 0; user < 30; user++) {
      const answers = await client.ask(REVIEWS, 5, { headers: { 'x-user': `user-${user}` } });
      expect(Object.values(answers), `user-${user}`).toEqual([5]);
      chosen.add(Object.keys(answers)[0]!);
    }
    expect([...chosen].sort()).toEqual(['v1', 'v2']);
  });

  it('leaves out an endpoint all of whose calls failed, for as long as outlier detection says', async () => {
    const { client, apply } = await meshOf([await backend('v1'), await backend('v2', { code: status.UNAVAILABLE })]);
    const outliers = 'consecutive5xxErrors: 5, interval: 1s, baseEjectionTime: 60s, maxEjectionPercent: 50';
    await apply(destinationRule(`outlierDetection: { ${outliers} }`));
    expect(Object.keys(await client.ask(REVIEWS, 40)).sort()).toEqual(['UNAVAILABLE: v2', 'v1']);
    await expect.poll(() => client.ask(REVIEWS, 20), { timeout: SETTLE_MS }).toEqual({ v1: 20 });
  });

  it('gives calls up after the timeout of their rule', async () => {
    const { client, apply } = await meshOf([await backend('v1', { delayMs: 2000 })]);
    await apply(
      virtualService(`  - timeout: 0.3s
    route: [{ destination: { host: reviews, subset: v1 } }]`),
    );
    const late = await client.ask(REVIEWS, 3);
    expect(statusesOf(late)).toEqual({ DEADLINE_EXCEEDED: 3 });
  });

  it('tries again what the retries of its rule allow', async () => {
    const { client, apply } = await meshOf([await backend('v1'), await backend('v2', { code: status.UNAVAILABLE })]);
    const rule = (retryOn: string): string =>
      virtualService(`  - retries: { attempts: 3, retryOn: ${retryOn} }
    route: [{ destination: { host: reviews } }]`);
    await apply(rule('cancelled'));
    expect(Object.keys(await client.ask(REVIEWS, 20)).sort()).toEqual(['UNAVAILABLE: v2', 'v1']);
    await apply(rule('unavailable'));
    // One by one: the next try goes to the next endpoint.
    for (let call = 0; call < 20; call++) expect(await client.ask(REVIEWS, 1)).toEqual({ v1: 1 });
  });

  it('speaks mutual TLS where a rule says ISTIO_MUTUAL, and only to the identity of the service', async () => {
    const identities = await identitiesOf();
    const serverOf = async (account: string): Promise<ServerCredentials> => {
      const { key, cert } = await identities.certify(account);
      const pair = { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) };
      return ServerCredentials.createSsl(Buffer.from(identities.rootsPem), [pair], true);
    };
    const good = await backend('v1', { credentials: await serverOf('reviews') });
    const other = await backend('v2', { credentials: await serverOf('ratings') });
    const { client, apply } = await meshOf([good, other], { certificates: await identities.files('client') });
    await apply(destinationRule('tls: { mode: ISTIO_MUTUAL }'));
    await apply(canary(100, 0));
    expect(await client.ask(REVIEWS, 20)).toEqual({ v1: 20 });
    await apply(canary(0, 100));
    await expect
      .poll(async () => statusesOf(await client.ask(REVIEWS, 2, { timeoutMs: 2000 })), { timeout: SETTLE_MS })
      .toEqual({ UNAVAILABLE: 2 });
  });
});

describe("gRPC's own xDS server, told by our control plane", () => {
  it('takes mutual TLS alone under STRICT, and denies whom a policy does not allow, as the policy changes', async () => {
    const identities = await identitiesOf();
    const port = await freePort();
    // Not there yet: its pod is known first, as in a cluster.
    const place: GrpcBackend = { name: 'v1', address: '127.8.1.10', port, stop: () => undefined };
    const mesh = await meshOf([place], { certificates: await identities.files('client') });
    const { client, apply } = mesh;
    // Before it starts: the library's server does not live through a change from plaintext to TLS.
    await apply(peerAuthentication('STRICT'));
    const server = await startGrpcXdsServer('v1', `${place.address}:${port}`, {
      xdsAddress: mesh.address,
      nodeId: `sidecar~${place.address}~reviews-v1.default~default.svc.cluster.local`,
      metadata: { NAMESPACE: 'default' },
      certificates: await identities.files('reviews'),
    });
    cleanups.push(() => server.stop());
    expect(statusesOf(await client.ask(REVIEWS, 2))).toEqual({ UNAVAILABLE: 2 });
    await apply(destinationRule('tls: { mode: ISTIO_MUTUAL }'));
    await expect.poll(() => client.ask(REVIEWS, 10), { timeout: SETTLE_MS }).toEqual({ v1: 10 });
    await apply(allow('cluster.local/ns/default/sa/somebody'));
    await expect
      .poll(async () => statusesOf(await client.ask(REVIEWS, 5)), { timeout: SETTLE_MS })
      .toEqual({ PERMISSION_DENIED: 5 });
    await apply(allow('cluster.local/ns/default/sa/client'));
    await expect.poll(() => client.ask(REVIEWS, 10), { timeout: SETTLE_MS }).toEqual({ v1: 10 });
  });
});
