import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ManifestFile, Sandbox } from '#sandbox';
import { shop } from './gateway-api-shop.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const clients: ManifestFile = {
  file: 'clients.yaml',
  text: ['default', 'other']
    .map(
      (namespace) => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace}, labels: { istio-injection: enabled } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: client, namespace: ${namespace} }
spec:
  selector: { matchLabels: { app: client } }
  template:
    metadata: { labels: { app: client } }
    spec: { containers: [{ name: curl, image: curlimages/curl, command: ["sleep", "infinity"] }] }
---
`,
    )
    .join(''),
};

/** A route of the Service `one` of namespace default, kept in `namespace`. */
const routeOfOne = (name: string, namespace: string, rules: string): ManifestFile => ({
  file: `${name}.yaml`,
  text: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  parentRefs: [{ group: "", kind: Service, name: one, namespace: default }]
  rules:
${rules}
`,
});

describe('HTTPRoutes of Services', () => {
  let mesh: RunningMesh;
  let sandbox: Sandbox;

  beforeAll(async () => {
    mesh = await startMesh(
      [clients, { ...shop, text: shop.text.replace(/apiVersion: v1\nkind: Namespace[\s\S]*?---\n/, '') }],
      false,
    );
    ({ sandbox } = mesh);
  });
  afterAll(() => mesh?.stop());

  const served = async (namespace: string, path = '/'): Promise<string> => {
    const pod = sandbox.pods.find((each) => each.namespace === namespace && each.labels['app'] === 'client');
    const response = await pod?.fetch(`http://one.default${path}`, { timeoutMs: 10_000 });
    return response?.status === 200
      ? (JSON.parse(response.body.toString('utf8')) as { service: string }).service
      : String(response?.status);
  };

  it('do not stand between a service and its clients before they are there', async () => {
    expect(await served('default')).toBe('one');
    expect(await served('other')).toBe('one');
  });

  it('of the service’s own namespace are obeyed by all clients', async () => {
    await applyAndSettle(
      sandbox,
      routeOfOne(
        'producer',
        'default',
        `
    - matches: [{ path: { type: PathPrefix, value: /two } }]
      backendRefs: [{ name: two, port: 80 }]
    - backendRefs: [{ name: one, port: 80 }]`,
      ),
    );
    for (const namespace of ['default', 'other']) {
      expect(await served(namespace, '/two')).toBe('two');
      expect(await served(namespace, '/')).toBe('one');
    }
  });

  it('of another namespace are obeyed by its clients only, before the others', async () => {
    await applyAndSettle(sandbox, routeOfOne('consumer', 'other', '    - backendRefs: [{ name: far, port: 80 }]'));
    expect(await served('other', '/two')).toBe('far');
    expect(await served('default', '/two')).toBe('two');
  });

  it('answer 500 for a backend that is missing', async () => {
    await applyAndSettle(sandbox, routeOfOne('consumer', 'other', '    - backendRefs: [{ name: nobody, port: 80 }]'));
    expect(await served('other')).toBe('500');
    expect(await served('default')).toBe('one');
  });
});
