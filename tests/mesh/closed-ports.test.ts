import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { type RunningMesh, startMesh, topology } from './sandbox-support.ts';

describe('ports of a captured pod where nothing listens for other pods', () => {
  let mesh: RunningMesh;
  const podOf = (app: string): RunningPod => mesh.sandbox.pods.find(({ labels }) => labels['app'] === app)!;
  const logOf = (app: string): string => podOf(app).logs('istio-proxy').join('\n');

  beforeAll(async () => {
    mesh = await startMesh(topology('bookinfo'));
  });
  afterAll(() => mesh?.stop());

  it.each([15000, 15004, 9999])('%i: the proxy of the pod takes the request, and no application', async (port) => {
    const { ip } = podOf('details');
    const answer = await podOf('ratings').fetch(`http://${ip}:${port}/ready`);
    expect(answer.status).toBe(503);
    const place = `InboundPassthroughCluster - ${ip}:${port}`;
    await mesh.sandbox.until(() => logOf('details').includes(place), 5000, `the proxy has logged ${place}`);
    const line = podOf('details')
      .logs('istio-proxy')
      .find((each) => each.includes(place));
    expect(line).toContain('"GET /ready HTTP/1.1" 503 URX,UF ');
  });

  it.each([15020, 15021, 15090])('%i is served past capture', async (port) => {
    const path = port === 15021 ? '/healthz/ready' : '/stats/prometheus';
    expect((await podOf('ratings').fetch(`http://${podOf('details').ip}:${port}${path}`)).status).toBe(200);
  });

  it('15000 answers the pod itself', async () => {
    expect(String((await podOf('details').fetch('http://localhost:15000/ready')).body)).toBe('LIVE\n');
  });
});
