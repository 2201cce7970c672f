import { describe, expect, it } from 'vitest';
import { createObjectTables, createSnapshotDeriver, createTranslator, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { type ProxyNode, type TypedExtensionConfig, typeUrls } from '#xds';

const api = 'extensions.istio.io/v1alpha1';
const plugin = (imagePullSecret: string): KubeObject => ({
  apiVersion: api,
  kind: 'WasmPlugin',
  metadata: { name: 'guard', namespace: 'shop', resourceVersion: '7' },
  spec: { url: 'registry.example/guard:1', imagePullSecret },
});
const lua: KubeObject = {
  apiVersion: api,
  kind: 'TrafficExtension',
  metadata: { name: 'stamp', namespace: 'shop' },
  spec: { lua: { inlineCode: 'function envoy_on_request(h) end' } },
};
const secret = (namespace: string, type: string, text: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name: 'pull', namespace },
  ...{ type, data: { '.dockerconfigjson': Buffer.from(text).toString('base64') } },
});
const DOCKER = 'kubernetes.io/dockerconfigjson';
const identity = { namespace: 'shop', serviceAccount: 'web' };
const node: ProxyNode = {
  id: 'sidecar~127.8.1.11~web.shop~shop.svc.cluster.local',
  cluster: 'web.shop',
  metadata: { NAMESPACE: 'shop' },
};

function translate(objects: readonly KubeObject[], asking: ProxyNode) {
  const tables = createObjectTables();
  for (const object of objects) tables.apply('ADDED', object);
  return createTranslator().translate(createSnapshotDeriver(DEFAULT_MESH_CONFIG)(tables), asking);
}

function pullSecretFor(objects: readonly KubeObject[], asking: ProxyNode): unknown {
  const served = translate(objects, asking).resources.get(typeUrls.extension)?.values() ?? [];
  const [{ json } = { json: undefined }] = [...served];
  const { config } = (json as TypedExtensionConfig).typed_config as unknown as {
    config: { vm_config: { environment_variables: { key_values: Record<string, string> } } };
  };
  return config.vm_config.environment_variables.key_values['ISTIO_META_WASM_IMAGE_PULL_SECRET'];
}

describe('the pull secret of a Wasm module', () => {
  it('travels to a proxy that proves who it is, and to no other', () => {
    const objects = [plugin('pull'), secret('shop', DOCKER, '{"auths":{}}')];
    expect(pullSecretFor(objects, { ...node, identity })).toBe('{"auths":{}}');
    expect(pullSecretFor(objects, node)).toBe('');
  });

  it('is one of the namespace of the extension, whatever its name says', () => {
    const objects = [plugin('kubernetes://bank/pull'), secret('bank', DOCKER, 'theirs'), secret('shop', DOCKER, 'own')];
    expect(pullSecretFor(objects, { ...node, identity })).toBe('own');
  });

  it('is a docker configuration or nothing', () => {
    expect(pullSecretFor([plugin('pull'), secret('shop', 'Opaque', 'x')], { ...node, identity })).toBe('');
    expect(pullSecretFor([plugin('pull')], { ...node, identity })).toBe('');
  });
});

describe('MW0403', () => {
  const codes = (asking: ProxyNode) =>
    translate([plugin(''), lua], asking).problems.map(({ code, message }) => `${code} ${message}`);

  it('tells of a proxy of the lab that it runs neither Wasm nor Lua', () => {
    expect(codes({ ...node, userAgent: 'meshwork' })).toEqual([
      "MW0403 WasmPlugin shop/guard is not run by the lab's own proxies: they run no Wasm modules, and as after a failed download traffic is refused",
      "MW0403 TrafficExtension shop/stamp is not run by the lab's own proxies: they run no Lua code, and traffic passes without it",
    ]);
  });

  it('tells of a real Envoy whose agent is ours that no module is fetched, and what only Istio’s build has', () => {
    const joined = { ...node, metadata: { ...node.metadata, MESHWORK_AGENT_COUNTS: 'true' }, userAgent: 'envoy' };
    expect(codes(joined)).toEqual([
      expect.stringMatching(/^MW0404 .* is sent no istio\.alpn and no istio\.metadata_exchange: HTTP over mutual TLS/),
      'MW0403 WasmPlugin shop/guard is not run by real Envoys: their agents fetch no Wasm modules, and as after a failed download traffic is refused',
    ]);
  });

  it('is silent about an Envoy, which runs what it is sent, and about proxies without the extension', () => {
    expect(codes({ ...node, userAgent: 'envoy' })).toEqual([]);
    const elsewhere = 'sidecar~127.8.1.12~web.bank~bank.svc.cluster.local';
    expect(codes({ ...node, id: elsewhere, metadata: { NAMESPACE: 'bank' }, userAgent: 'meshwork' })).toEqual([]);
  });
});
