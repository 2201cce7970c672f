import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningLab, runLab } from '../support/lab-runner.ts';

/** A private key in PEM, as text or in base64, which has three ways to write the words. */
const KEY = /PRIVATE KEY|UFJJVkFURSBLRV|BSSVZBVEUgS0VZ|QUklWQVRFIEtFW/;
const ADMIN_PAGES = ['/certs', '/clusters', '/config_dump', '/listeners', '/server_info', '/stats', '/memory', '/help'];

describe('private keys', () => {
  let lab: RunningLab;
  let get: (path: string) => Promise<string>;

  beforeAll(async () => {
    lab = await runLab('meet-the-mesh');
    const { url, kubeconfig } = await lab.session.sandbox.serveApi();
    const token = /token: (\S+)/.exec(kubeconfig)?.[1] ?? '';
    get = (path) =>
      new Promise((resolve, reject) => {
        const headers = { authorization: `Bearer ${token}` };
        request(`${url}${path}`, { headers, rejectUnauthorized: false }, (response) => {
          let text = '';
          response.on('data', (chunk) => (text += chunk)).on('end', () => resolve(text));
        })
          .on('error', reject)
          .end();
      });
    // The application joins the mesh, so that there are proxies with keys.
    for (const line of [
      'kubectl label namespace default istio-injection=enabled',
      'kubectl rollout restart deployment',
    ]) {
      const { exitCode, output } = await lab.type(line);
      if (exitCode !== 0) throw new Error(output);
    }
    const { sandbox } = lab.session;
    const meshed = (): boolean => sandbox.pods.filter(({ proxy }) => proxy?.ready === true).length >= 3;
    await sandbox.until(meshed, 20_000, 'three proxies run');
  });
  afterAll(() => lab?.stop());

  it('are where they belong: the Secret of the CA, which this test can find', async () => {
    const secret = await get('/api/v1/namespaces/istio-system/secrets/istio-ca-secret');
    expect(secret).toMatch(KEY);
  });

  it('are in no page of a proxy’s admin port and in no log', async () => {
    const { pods } = lab.session.sandbox;
    const proxies = pods.filter(({ proxy }) => proxy !== undefined);
    expect(proxies.length).toBeGreaterThanOrEqual(3);
    for (const { ip, proxy } of proxies) {
      for (const page of ADMIN_PAGES) {
        const text = await fetch(`http://${ip}:15000${page}`).then((response) => response.text());
        expect(text.length, page).toBeGreaterThan(0);
        expect(text).not.toMatch(KEY);
      }
      expect(JSON.stringify(proxy?.admin.secrets())).toContain('BEGIN CERTIFICATE');
      expect(JSON.stringify([proxy?.admin.secrets(), proxy?.admin.configDump()])).not.toMatch(KEY);
    }
    for (const pod of pods) {
      for (const { name } of pod.containers) expect(pod.logs(name).join('\n')).not.toMatch(KEY);
    }
  });

  it('are in no page of istiod', async () => {
    const istiod = lab.session.sandbox.pods.find(({ labels }) => labels['app'] === 'istiod');
    const page = (path: string, port = 15014): Promise<string> =>
      fetch(`http://${istiod?.ip}:${port}${path}`).then((response) => response.text());
    const clients = JSON.parse(await page('/debug/adsz')) as { clients: { connectionId: string }[] };
    const dumps = clients.clients.map(({ connectionId }) => `/debug/config_dump?include_eds&proxyID=${connectionId}`);
    const listed = (JSON.parse(await page('/debug/list')) as string[]).map((name) => `/debug/${name}`);
    for (const path of ['/debug', '/version', ...listed, ...dumps]) {
      const text = await page(path);
      expect(text.length, path).toBeGreaterThan(0);
      expect(text).not.toMatch(KEY);
    }
    expect(await page('/debug/syncz', 8080)).toBe(await page('/debug/syncz'));
  });

  it('are in no answer of the Kubernetes API but those with Secrets', async () => {
    const lists: string[] = [];
    const groups = JSON.parse(await get('/apis')) as { groups: { preferredVersion: { groupVersion: string } }[] };
    const prefixes = [
      '/api/v1',
      ...groups.groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`),
    ];
    for (const prefix of prefixes) {
      const { resources } = JSON.parse(await get(prefix)) as { resources: { name: string; verbs: string[] }[] };
      const listed = resources.filter(({ name, verbs }) => verbs.includes('list') && name !== 'secrets');
      lists.push(...listed.map(({ name }) => `${prefix}/${name}`));
    }
    expect(lists.length).toBeGreaterThan(20);
    for (const path of lists) expect(await get(path), path).not.toMatch(KEY);
  });

  it('are in no message to the browser, nor in what the tools of the terminal print', async () => {
    const cart = lab.session.sandbox.pods.find(({ labels, proxy }) => labels['app'] === 'cart' && proxy !== undefined);
    const { output } = await lab.type(`istioctl proxy-config secret ${cart?.name} -o json`);
    expect(output).toContain('ROOTCA');
    const described = await lab.type('kubectl describe secret istio-ca-secret -n istio-system');
    expect(described.output).toMatch(/^ca-key\.pem: +\d+ bytes$/m);
    expect(lab.events.length).toBeGreaterThan(10);
    expect(JSON.stringify(lab.events)).not.toMatch(KEY);
  });
});
