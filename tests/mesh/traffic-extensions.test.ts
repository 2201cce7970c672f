import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { createTestCa, sendFrom, until } from './data-plane-harness.ts';
import { HTTP_PORT, type PolicedPod, startPoliced } from './policy-mesh.ts';

const IP = '127.66.7.2';
const CLIENT = '127.66.7.9';

let web: PolicedPod;

beforeAll(async () => {
  web = await startPoliced({ ip: IP, signer: await createTestCa() });
});
afterAll(() => web?.pod.stop());

const extension = (kind: 'WasmPlugin' | 'TrafficExtension', spec: object): KubeObject => ({
  apiVersion: 'extensions.istio.io/v1alpha1',
  kind,
  metadata: { name: 'stamp', namespace: 'default' },
  spec,
});

async function ask() {
  const before = web.pod.hops.length;
  const { status, body } = await sendFrom(CLIENT, { ip: IP, port: HTTP_PORT }, { host: 'web' });
  await until(() => web.pod.hops.length > before, 'the hop is recorded');
  const hop = web.pod.hops.at(-1);
  return { status, body, hop, step: hop?.steps.find(({ name }) => name.startsWith('extensions.istio.io/')) };
}

describe('an extension whose code this proxy does not run', () => {
  const url = 'oci://registry.example/stamp:1';

  it.each([{}, { failStrategy: 'FAIL_CLOSE' }, { failStrategy: 'FAIL_RELOAD' }, { type: 'NETWORK' }])(
    'refuses requests, as Istio does when a module cannot be fetched: %j',
    async (given) => {
      web.apply([extension('WasmPlugin', { url, ...given })]);
      const { status, body, hop, step } = await ask();
      expect([status, body]).toEqual([403, 'RBAC: access denied']);
      expect(hop?.response.details).toBe('rbac_access_denied_matched_policy[none]');
      expect(step).toMatchObject({
        outcome: 'stopped',
        origin: { kind: 'WasmPlugin', namespace: 'default', name: 'stamp' },
      });
      expect(step?.detail).toContain('runs no Wasm modules');
    },
  );

  it('lets requests pass with FAIL_OPEN, and says that the module was not run', async () => {
    web.apply([extension('TrafficExtension', { wasm: { url, failStrategy: 'FAIL_OPEN' } })]);
    const { status, step } = await ask();
    expect(status).toBe(200);
    expect(step).toMatchObject({ outcome: 'passed', origin: { kind: 'TrafficExtension', name: 'stamp' } });
  });

  it('lets requests pass Lua code, and says so', async () => {
    web.apply([extension('TrafficExtension', { lua: { inlineCode: 'function envoy_on_request(h) end' } })]);
    const { status, step } = await ask();
    expect(status).toBe(200);
    expect(step?.detail).toContain('runs no Lua code');
  });

  it('takes no part on other ports and on the other side', async () => {
    web.apply([extension('WasmPlugin', { url, match: [{ mode: 'CLIENT' }, { ports: [{ number: HTTP_PORT + 1 }] }] })]);
    expect((await ask()).status).toBe(200);
  });
});
