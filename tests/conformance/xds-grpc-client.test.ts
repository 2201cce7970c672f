import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { typeUrls } from '#xds';
import { type AdsFixture, snapshot, startAds } from '../unit/xds/ads-fixture.ts';
import { type GrpcBackend, type GrpcXdsClient, startGrpcBackend, startGrpcXdsClient } from './xds-grpc/grpc-peers.ts';
import { type CanaryOptions, canary, target } from './xds-grpc/resources.ts';

const nodeId = 'sidecar~127.8.1.9~client.default~default.svc.cluster.local';
const RPCS = 1000;

describe("gRPC's own xDS client for Node, unmodified", () => {
  let fixture: AdsFixture;
  let client: GrpcXdsClient;
  let v1: GrpcBackend;
  let v2: GrpcBackend;
  let pushes = 1;

  const resources = (change: Partial<CanaryOptions>) => canary({ v1, v2, weights: [90, 10], ...change });

  /** Pushes a changed configuration and resolves when the client has answered the last response of it. */
  async function push(change: Partial<CanaryOptions>): Promise<void> {
    pushes += 1;
    const version = String(pushes);
    fixture.ads.setSnapshot(nodeId, snapshot(version, resources(change)));
    await fixture.event(({ versionInfo, state }) => versionInfo === version && state !== 'sent');
  }

  beforeAll(async () => {
    v1 = await startGrpcBackend('v1');
    v2 = await startGrpcBackend('v2');
    fixture = await startAds(() => snapshot('1', resources({})));
    client = startGrpcXdsClient({ xdsAddress: fixture.address, nodeId });
  });
  afterAll(async () => {
    await client.stop();
    fixture.stop();
    v1.stop();
    v2.stop();
  });

  // Chance alone leaves three sigma once in 370 runs; twice in a row is an error.
  it('splits traffic 90 to 10 between two clusters', { retry: 1 }, async () => {
    const answers = await client.ask(`xds:///${target}`, RPCS);
    const sigma = Math.sqrt(RPCS * 0.9 * 0.1);
    expect(Object.keys(answers).sort()).toEqual(['v1', 'v2']);
    expect(Math.abs((answers['v1'] ?? 0) - RPCS * 0.9)).toBeLessThan(3 * sigma);
  });

  it('accepts each type it asked for, listeners first', () => {
    const accepted = fixture.events.filter(({ state }) => state === 'acked').map(({ typeUrl }) => typeUrl);
    expect(new Set(accepted)).toEqual(
      new Set([typeUrls.listener, typeUrls.route, typeUrls.cluster, typeUrls.endpoint]),
    );
    expect(accepted[0]).toBe(typeUrls.listener);
    expect(fixture.events.filter(({ state }) => state === 'nacked')).toEqual([]);
  });

  it('follows a live change to 0/100', async () => {
    await push({ weights: [0, 100] });
    expect(await client.ask(`xds:///${target}`, 100)).toEqual({ v2: 100 });
  });

  it('refuses a balancer it does not have, in its own words, and serves on with the last good configuration', async () => {
    await push({ weights: [0, 100], lbPolicy: 'LEAST_REQUEST' });
    const refused = fixture.events.find(({ state }) => state === 'nacked');
    expect(refused).toMatchObject({ nodeId, typeUrl: typeUrls.cluster });
    expect(refused?.error).toMatch(/lb_policy.*LEAST_REQUEST/);
    expect(await client.ask(`xds:///${target}`, 100)).toEqual({ v2: 100 });
  });

  it('accepts the next good configuration after a refused one', async () => {
    await push({ weights: [100, 0] });
    expect(await client.ask(`xds:///${target}`, 100)).toEqual({ v1: 100 });
  });

  it('serves on while the control plane is away, and takes what is new when it returns', async () => {
    const port = Number(fixture.address.split(':')[1]);
    fixture.stop();
    expect(await client.ask(`xds:///${target}`, 100)).toEqual({ v1: 100 });
    fixture = await startAds(() => snapshot('100', resources({ weights: [0, 100] })), { port });
    await fixture.event(({ typeUrl, state }) => typeUrl === typeUrls.route && state === 'acked');
    expect(await client.ask(`xds:///${target}`, 100)).toEqual({ v2: 100 });
  });
});
