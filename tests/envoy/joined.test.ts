import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort, type ManifestFile, type SandboxOptions } from '#sandbox';
import { noInput } from '../../server/sandbox/exec/run-command.ts';
import { bookinfo, type OracleMesh, startMeshWith } from './support/mesh.ts';
import { waitFor } from './support/wait.ts';

/** A pod of the outside world, which no registry knows: connections to it are passed through. */
const outside = `
apiVersion: v1
kind: Pod
metadata:
  name: outside
  namespace: world
  labels: { app: web }
  annotations: { meshwork.dev/outside-host: api.example.com }
spec: { containers: [{ name: web, image: kennethreitz/httpbin, ports: [{ containerPort: 80 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: world }
spec: { selector: { app: web }, ports: [{ name: http, port: 80 }] }
---
apiVersion: v1
kind: Namespace
metadata: { name: world }
`;
const STARTS_MS = 60_000;
const yaml = (text: string): ManifestFile => ({ file: 'change.yaml', text });

let mesh: OracleMesh;
beforeAll(async () => {
  const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
  // One version keeps our own proxy: both kinds speak with each other.
  const proxyFor: SandboxOptions['proxyFor'] = ({ metadata }) =>
    metadata.labels?.['version'] === 'v2' ? undefined : make;
  mesh = await startMeshWith({ proxyFor }, ...bookinfo, yaml(outside));
  await mesh.sandbox.ready();
}, STARTS_MS);
afterAll(() => mesh?.stop());

const pod = (app: string, version = 'v1') =>
  mesh.sandbox.pods.find(({ labels }) => labels['app'] === app && labels['version'] === version)!;
const ask = async (from: ReturnType<typeof pod>, url: string) => {
  const { status, body } = await from.fetch(url, { timeoutMs: 5000 });
  return { status, body: body.toString('utf8') };
};
const refused = (): unknown =>
  mesh.events.flatMap((event) => (event.type === 'push' && event.push.state === 'nacked' ? [event.push] : []));

it('are sidecars of a mesh beside our own: requests pass between both kinds, encrypted', async () => {
  const strict = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }`;
  await mesh.apply(yaml(strict));
  const versions = new Set<string>();
  for (let i = 0; i < 30; i++) {
    const { status, body } = await ask(pod('productpage'), 'http://reviews:9080/reviews/0');
    expect(status).toBe(200);
    versions.add(/"podname":\s*"(reviews-v\d)/.exec(body)?.[1] ?? body);
  }
  expect([...versions].sort()).toEqual(['reviews-v1', 'reviews-v2', 'reviews-v3']);
  expect((await ask(pod('reviews', 'v2'), 'http://ratings:9080/ratings/0')).status).toBe(200);
  // In plaintext nobody is let in: the connection is reset, as the kernel resets one whose bytes nobody reads.
  const stranger = mesh.sandbox.pod({ namespace: 'world', name: 'outside' });
  await expect(stranger?.fetch('http://details.default:9080/details/0')).rejects.toThrow('read ECONNRESET');
  await waitFor(
    'the hop of the connection that no filter chain took',
    3000,
    () =>
      mesh.sandbox.hops
        .logged(50)
        .some(({ proxy, response }) => proxy.service === 'details' && response.flags.includes('NR')) || undefined,
  );
  expect(refused()).toEqual([]);
});

it('do what routes and policies say, in the same moment', async () => {
  const rules = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings }
spec:
  hosts: [ratings]
  http:
    - match: [{ headers: { end-user: { exact: jason } } }]
      fault: { abort: { httpStatus: 418, percentage: { value: 100 } } }
      route: [{ destination: { host: ratings } }]
    - route: [{ destination: { host: ratings } }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: details }
spec:
  selector: { matchLabels: { app: details } }
  action: DENY
  rules: [{ from: [{ source: { principals: [cluster.local/ns/default/sa/bookinfo-ratings] } }] }]`;
  await mesh.apply(yaml(rules));
  const init = { headers: { 'end-user': 'jason' }, timeoutMs: 5000 };
  expect((await pod('reviews', 'v3').fetch('http://ratings:9080/ratings/0', init)).status).toBe(418);
  expect((await ask(pod('reviews', 'v3'), 'http://ratings:9080/ratings/0')).status).toBe(200);
  expect(await ask(pod('ratings'), 'http://details:9080/details/0')).toEqual({
    status: 403,
    body: 'RBAC: access denied',
  });
  expect((await ask(pod('productpage'), 'http://details:9080/details/0')).status).toBe(200);
  expect(refused()).toEqual([]);
});

it('pass on what no registry knows, and write their logs', async () => {
  expect((await ask(pod('productpage'), 'http://api.example.com/status/204')).status).toBe(204);
  await waitFor(
    'the line of its log',
    3000,
    () =>
      pod('productpage')
        .logs('istio-proxy')
        .some((line) => line.includes('PassthroughCluster')) || undefined,
  );
  // Envoy dials somebody who makes the connection for it: the hop names whom the client meant.
  const { ip } = mesh.sandbox.pod({ namespace: 'world', name: 'outside' })!;
  await waitFor(
    'its hop',
    3000,
    () =>
      mesh.sandbox.hops
        .logged(50)
        .some(({ cluster, upstreamHost }) => cluster === 'PassthroughCluster' && upstreamHost === `${ip}:80`) ||
      undefined,
  );
});

it('take as many clients as ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS says, and one more for each that leaves', async () => {
  await mesh.apply(
    yaml(`
apiVersion: v1
kind: Pod
metadata:
  name: few
  labels: { app: few, version: v1 }
  annotations: { proxy.istio.io/config: '{ proxyMetadata: { ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS: "2" } }' }
spec: { containers: [{ name: web, image: kennethreitz/httpbin, ports: [{ containerPort: 80 }] }] }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: few }
spec: { selector: { matchLabels: { app: few } }, mtls: { mode: PERMISSIVE } }`),
  );
  await mesh.sandbox.ready();
  /** What a new client hears, and its connection. */
  const come = async (): Promise<{ socket: Socket; heard: string }> => {
    const socket = connect(80, pod('few').ip);
    // Who is refused with bytes unread is reset.
    const closed = once(socket, 'close').then(() => 'closed');
    const heard = Promise.race([once(socket, 'data').then(String), closed]).catch(() => 'closed');
    socket.write('HEAD /status/204 HTTP/1.1\r\nhost: few\r\n\r\n');
    return { socket, heard: (await heard).slice(0, 12) };
  };
  const clients = [await come(), await come(), await come()];
  expect(clients.map(({ heard }) => heard)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 204', 'closed']);
  clients[0]?.socket.destroy();
  await waitFor('room for another client', 5000, async () => {
    const client = await come();
    clients.push(client);
    return client.heard === 'HTTP/1.1 204' || undefined;
  });
  for (const { socket } of clients) socket.destroy();
});

/** The process that is the proxy of a pod. */
function processOf({ ip }: { readonly ip: string }): number {
  const roots = readdirSync(tmpdir()).filter((name) => name.startsWith('meshwork-envoy-'));
  const folders = roots.flatMap((root) => readdirSync(join(tmpdir(), root)).map((name) => join(tmpdir(), root, name)));
  const folder = folders.find(
    (each) => existsSync(join(each, 'pid')) && readFileSync(join(each, 'bootstrap.json'), 'utf8').includes(`~${ip}~`),
  );
  return Number(readFileSync(join(folder ?? '', 'pid'), 'utf8'));
}

it('tell the hops of a request, joined with those of our own proxies, but no reasons', async () => {
  const traceId = 'f0e1d2c3b4a5968778695a4b3c2d1e0f';
  const headers = { 'x-b3-traceid': traceId, 'x-b3-spanid': '00f067aa0ba902b7', 'end-user': 'jason' };
  expect((await pod('reviews', 'v3').fetch('http://details:9080/details/0', { headers, timeoutMs: 5000 })).status).toBe(
    200,
  );
  const trace = await waitFor('both hops', 5000, () => {
    const found = mesh.sandbox.hops.trace(traceId);
    return found.length === 2 ? found : undefined;
  });
  const [call, answer] = ['outbound', 'inbound'].map((side) => trace.find(({ direction }) => direction === side)!);
  expect(call).toMatchObject({
    proxy: { service: 'reviews', version: 'v3' },
    cluster: 'outbound|9080||details.default.svc.cluster.local',
    upstreamHost: `${pod('details').ip}:9080`,
    routeName: 'default',
    mtls: true,
    response: { status: 200, details: 'via_upstream' },
  });
  expect(call?.request.headers).toContainEqual(['end-user', 'jason']);
  expect(answer).toMatchObject({ proxy: { service: 'details' }, parentSpanId: call?.spanId, mtls: true });
  expect(call?.steps[0]?.detail).toBe('A real Envoy tells what it chose, not why.');
});

/** What a command in the proxy's container prints. */
async function inProxy(of: ReturnType<typeof pod>, ...command: string[]): Promise<string> {
  let told = '';
  const out = (text: string): void => {
    told += text;
  };
  await of.run('istio-proxy', command, { ...noInput, out, err: out, signal: AbortSignal.timeout(5000) });
  return told;
}

it("answer on the ports of Istio's agent, with the figures of the agent, the proxy and the application", async () => {
  const { ip } = pod('reviews');
  const text = await (await fetch(`http://${ip}:15020/stats/prometheus`)).text();
  expect(text).toMatch(/^# HELP istio_agent_cert_expiry_seconds/);
  expect(text).toMatch(/^envoy_server_live\{\} 1$/m);
  // Istio's metrics are the agent's, as stock Envoy has no filter that counts in them.
  const served = text.split('\n').filter((line) => line.startsWith('istio_requests_total{reporter="destination"'));
  expect(served.some((line) => line.includes('source_workload="productpage-v1"'))).toBe(true);
  expect(served.every((line) => line.includes('destination_service_name="reviews"'))).toBe(true);
  expect((await fetch(`http://${ip}:15021/healthz/ready`)).status).toBe(200);
  expect(await (await fetch(`http://${ip}:15090/stats/prometheus`)).text()).toContain('envoy_server_live');
  expect((await fetch(`http://${ip}:15020/quitquitquit`)).status).toBe(405);
  expect(JSON.parse(await inProxy(pod('reviews'), 'pilot-agent', 'request', 'GET', 'server_info'))).toMatchObject({
    state: 'LIVE',
    node: { metadata: { NAMESPACE: 'default' } },
  });
});

it('show their certificates as istioctl reads them', async () => {
  const page = await inProxy(
    pod('reviews'),
    'pilot-agent',
    'request',
    'GET',
    'config_dump?resource=dynamic_active_secrets',
  );
  const { configs } = JSON.parse(page) as {
    configs: { name: string; secret: { tls_certificate?: { certificate_chain: { inline_bytes: string } } } }[];
  };
  const own = configs.find(({ name }) => name === 'default')?.secret.tls_certificate?.certificate_chain.inline_bytes;
  const { subjectAltName } = new X509Certificate(Buffer.from(own ?? '', 'base64'));
  expect(subjectAltName).toBe('URI:spiffe://cluster.local/ns/default/sa/bookinfo-reviews');
});

it('ask the cluster for names, again when they change', async () => {
  await mesh.apply(
    yaml(`
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: shop }
spec:
  hosts: [shop.example]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }]
  endpoints: [{ address: web.world.svc.cluster.local }]
---
apiVersion: v1
kind: Pod
metadata: { name: moved, namespace: world, annotations: { meshwork.dev/outside-host: moved.example.com } }
spec: { containers: [{ name: web, image: kennethreitz/httpbin, ports: [{ containerPort: 80 }] }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: moved }
spec:
  hosts: [moved.example.com]
  resolution: DNS
  ports: [{ number: 80, name: http, protocol: HTTP }]`),
  );
  const status = async (url: string, host?: string) =>
    (await pod('productpage').fetch(url, { timeoutMs: 5000, ...(host && { headers: { host } }) })).status;
  // The name is a Service's, whose address nobody listens on but for those who ask by name.
  await waitFor(
    'an answer of the Service',
    10_000,
    async () => (await status('http://api.example.com/status/204', 'shop.example')) === 204 || undefined,
  );
  await waitFor(
    'an answer',
    10_000,
    async () => (await status('http://moved.example.com/status/204')) === 204 || undefined,
  );
  const placeOf = (name: string) => mesh.sandbox.pod({ namespace: 'world', name })?.ip;
  const before = placeOf('moved');
  mesh.sandbox.remove('Pod', { namespace: 'world', name: 'moved' });
  const isGone = () => !mesh.sandbox.pods.some(({ name }) => name === 'moved');
  await waitFor('the first place to be gone', 10_000, () => isGone() || undefined);
  await mesh.apply(
    yaml(`
apiVersion: v1
kind: Pod
metadata: { name: moved-2, namespace: world, annotations: { meshwork.dev/outside-host: moved.example.com } }
spec: { containers: [{ name: web, image: kennethreitz/httpbin, ports: [{ containerPort: 80 }] }] }`),
  );
  expect(placeOf('moved-2')).not.toBe(before);
  const answered = ({ upstreamHost, response }: HopRecord): boolean =>
    upstreamHost === `${placeOf('moved-2')}:80` && response.status === 204;
  await waitFor('an answer from the new place', 20_000, async () => {
    await status('http://moved.example.com/status/204').catch(() => 0);
    return mesh.sandbox.hops.logged(50).some(answered) || undefined;
  });
}, 60_000);

it('lose no request when their pod is replaced', async () => {
  const statuses: number[] = [];
  const leaving = pod('reviews', 'v3').name;
  let isOver = false;
  const visitor = async (): Promise<void> => {
    while (!isOver) statuses.push((await ask(pod('productpage'), 'http://reviews:9080/reviews/0')).status);
  };
  const visitors = Promise.all([visitor(), visitor(), visitor()]);
  mesh.sandbox.remove('Pod', { namespace: 'default', name: leaving });
  const isReplaced = () => {
    const now = mesh.sandbox.pods.filter(({ labels }) => labels['app'] === 'reviews' && labels['version'] === 'v3');
    return now.length === 1 && now[0]?.name !== leaving && now[0]?.containers.every(({ ready }) => ready);
  };
  await waitFor('the next pod is ready', 20_000, () => isReplaced() || undefined);
  isOver = true;
  await visitors;
  expect(statuses.length).toBeGreaterThan(10);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
}, 60_000);

it('are started again when they break down, and end when they are asked to', async () => {
  const proxy = () => pod('details').containers.find(({ name }) => name === 'istio-proxy')!;
  process.kill(processOf(pod('details')), 'SIGKILL');
  await waitFor('its container runs again', 20_000, () => (proxy().restarts === 1 && proxy().ready) || undefined);
  const works = async () => (await ask(pod('productpage'), 'http://details:9080/details/0')).status === 200;
  await waitFor('an answer', 10_000, async () => (await works()) || undefined);
  expect(mesh.events).toContainEqual(
    expect.objectContaining({ type: 'log', line: expect.stringContaining('Envoy exited with error: signal: killed') }),
  );
  await inProxy(pod('details'), 'curl', '-s', '-X', 'POST', 'http://localhost:15020/quitquitquit');
  await waitFor('it waits before the next start', 20_000, () => proxy().state === 'CrashLoopBackOff' || undefined);
}, 60_000);
