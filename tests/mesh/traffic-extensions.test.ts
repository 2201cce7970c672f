import { connect, createServer as createTcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { createTestCa, sendFrom, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';
import { HTTP_PORT, type PolicedPod, startPoliced, TCP_PORT } from './policy-mesh.ts';

const IP = `${NET}.7.2`;
const CLIENT = `${NET}.7.9`;

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

/** What a client that says hello to the TCP port reads until the connection ends. */
const speak = (): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect({ host: IP, port: TCP_PORT, localAddress: CLIENT });
    let read = '';
    socket.on('data', (chunk) => {
      read += chunk.toString();
      socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(read));
    socket.write('hello');
  });
const echo = createTcpServer((socket) => socket.on('error', () => undefined).pipe(socket));
beforeAll(() => new Promise<void>((resolve) => echo.listen(TCP_PORT, `${NET}.107.2`, resolve)));
afterAll(() => void echo.close());

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

  it.each([
    [{}, ''],
    [{ failStrategy: 'FAIL_OPEN' }, 'hello'],
    [{ match: [{ ports: [{ number: TCP_PORT + 1 }] }] }, 'hello'],
    [{ match: [{ ports: [{ number: TCP_PORT }] }] }, ''],
  ])('judges connections to a TCP port with a NETWORK module: %j lets "%s" come back', async (given, expected) => {
    web.apply([extension('WasmPlugin', { url, type: 'NETWORK', ...given })]);
    expect(await speak()).toBe(expected);
  });

  it('shows in the config dump what the filter asked for and what its agent put there', async () => {
    web.apply([extension('WasmPlugin', { url, pluginConfig: { limit: 3 } })]);
    await ask();
    const name = 'extensions.istio.io/trafficextension/default.stamp~istio-translated-wasmplugin';
    const dump = web.pod.proxy.admin.configDump() as { configs: { '@type': string }[] };
    expect(dump.configs.find((config) => config['@type'].endsWith('EcdsConfigDump'))).toMatchObject({
      ecds_filters: [
        {
          ecds_filter: {
            '@type': 'type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig',
            name,
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC',
              rules: {},
              rules_stat_prefix: 'wasm-default-deny',
            },
          },
        },
      ],
    });
    expect(web.pod.logs.join('\n')).toContain(`cannot fetch Wasm module ${url}`);
  });

  it('takes no part on other ports and on the other side', async () => {
    web.apply([extension('WasmPlugin', { url, match: [{ mode: 'CLIENT' }, { ports: [{ number: HTTP_PORT + 1 }] }] })]);
    expect((await ask()).status).toBe(200);
  });
});
