import { describe, expect, it } from 'vitest';
import { ownFolder, runVerb } from './run-verb.ts';

const { file } = ownFolder();

const SERVICE = `
apiVersion: v1
kind: Service
metadata: { name: reviews }
spec: { clusterIP: 10.0.0.2, selector: { app: reviews }, ports: [{ name: http, port: 9080, targetPort: 8080 }] }
`;

const POD = `
apiVersion: v1
kind: Pod
metadata: { name: reviews-1, labels: { app: reviews, version: v1 }, annotations: }
spec: { serviceAccountName: reviews, containers: [] }
status: { podIP: 10.1.0.5, phase: Running, conditions: [{ type: Ready, status: "True" }] }
`;

const INGRESS = `
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: { name: istio }
spec: { controller: istio.io/ingress-controller }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: front }
spec:
  ingressClassName: istio
  rules:
    - host: shop.example.com
      http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: reviews, port: { name: http } } } }] }
`;

interface Named {
  readonly name?: string;
  readonly cluster_name?: string;
  readonly [field: string]: unknown;
}

interface Printed {
  readonly listeners: Named[];
  readonly routes: Named[];
  readonly clusters: Named[];
  readonly endpoints: Named[];
}

const run = (text: string, ...args: string[]) => runVerb('xds', ['-f', '-', ...args], text);

const xds = async (text: string, ...args: string[]): Promise<Printed> =>
  JSON.parse((await run(text, ...args)).out) as Printed;

const names = (resources: readonly Named[]): string[] =>
  resources.map(({ name, cluster_name }) => name ?? cluster_name ?? '');

describe('meshwork xds', () => {
  it('prints what a sidecar is sent, with endpoints of the pods that a Service selects', async () => {
    const printed = await xds(`${SERVICE}---${POD}`);
    expect(names(printed.listeners)).toEqual(['0.0.0.0_9080', 'virtualOutbound', 'virtualInbound']);
    expect(names(printed.routes)).toEqual(['9080']);
    expect(names(printed.clusters)).toContain('outbound|9080||reviews.default.svc.cluster.local');
    expect(JSON.stringify(printed.endpoints)).toContain('"address":"10.1.0.5","port_value":8080');
  });

  it('gives the inbound side of the pod that carries the labels', async () => {
    const printed = await xds(`${SERVICE}---${POD}`, '--labels', 'app=reviews');
    expect(names(printed.clusters)).toContain('inbound|8080||');
  });

  it('prints the same text for the same files', async () => {
    const [first, second] = [await run(`${SERVICE}---${POD}`), await run(`${SERVICE}---${POD}`)];
    expect(second.out).toBe(first.out);
  });

  it('selects Gateways by the labels of a router, those of Ingresses included', async () => {
    const args = ['--proxy', 'router', '--namespace', 'istio-system', '--labels', 'istio=ingressgateway'];
    const printed = await xds(`${SERVICE}---${INGRESS}`, ...args);
    expect(names(printed.routes)).toEqual(['http.80']);
    expect(JSON.stringify(printed.routes)).toContain('"cluster":"outbound|9080||reviews.default.svc.cluster.local"');
  });

  it('leaves out fields that have their default, as protobuf prints messages', async () => {
    const text = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: none }
spec: { action: ALLOW, rules: [{ to: [{ operation: { paths: ['/a'] } }] }] }
`;
    const printed = JSON.stringify(await xds(`${SERVICE}---${POD}---${text}`, '--labels', 'app=reviews'));
    expect(printed).toContain('ns[default]-policy[none]-rule[0]');
    // A rule about paths matches nothing of a TCP port: its filter has rules without policies.
    expect(printed).toContain('"rules":{}');
    expect(printed).not.toMatch(/:\[\][,}]|"policies":\{\}/);
  });

  it('counts objects of Kubernetes as older than those of Istio where neither tells its age', async () => {
    const entry = `
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: a }
spec: { hosts: [a.example.com], ports: [{ number: 9080, name: http, protocol: HTTP }], resolution: NONE }
`;
    const printed = await xds(`${entry}---${SERVICE}`);
    const clusters = names(printed.clusters).filter((name) => name.startsWith('outbound|'));
    expect(clusters).toEqual(['outbound|9080||reviews.default.svc.cluster.local', 'outbound|9080||a.example.com']);
  });

  it('obeys the MeshConfig of a file', async () => {
    const mesh = file('mesh.yaml', 'outboundTrafficPolicy: { mode: REGISTRY_ONLY }\n');
    const printed = await xds(SERVICE, '--mesh-config', mesh);
    expect(JSON.stringify(printed.routes)).toContain('block_all');
  });

  it.each([
    [['--ip', 'reviews'], '--ip takes an IP address, not "reviews"'],
    [['--labels', 'app'], '--labels takes key=value pairs, not "app"'],
    [['--output', 'yaml'], '--output is json'],
    [['-f', 'nowhere.yaml'], 'nowhere.yaml cannot be read: there is no such file'],
    [['--proxies', 'sidecar'], "Unknown option '--proxies'"],
  ])('refuses the call %j with 2, a reason and a usage line', async (args, why) => {
    const { code, out, err } = await run(SERVICE, ...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`meshwork xds: ${why}`);
    expect(err).toContain('usage: meshwork xds -f FILE… --proxy sidecar|router');
  });

  it.each([
    ['no document', ''],
    ['comments', '# nothing\n---\n---\n# more\n'],
  ])('sends what every sidecar has for %s', async (_, text) => {
    const { code, out } = await run(text);
    const { listeners, endpoints } = JSON.parse(out) as Printed;
    expect(code).toBe(0);
    expect(listeners.map(({ name }) => name)).toEqual(['virtualOutbound', 'virtualInbound']);
    expect(Array.isArray(endpoints)).toBe(true);
  });

  it('reads a List with a byte order mark and Windows line ends', async () => {
    const list = `apiVersion: v1\nkind: List\nitems: [${JSON.stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'cart' },
      spec: { ports: [{ name: 'http', port: 7070 }] },
    })}]\n`;
    const { out } = await run(`\uFEFF${list.replaceAll('\n', '\r\n')}`);
    const { clusters } = JSON.parse(out) as Printed;
    expect(clusters.map(({ name }) => name)).toContain('outbound|7070||cart.default.svc.cluster.local');
  });

  it.each(['frob', 'constructor'])('refuses the verb %s with 2 and those that there are', async (verb) => {
    const { code, err } = await runVerb(verb, []);
    expect(code).toBe(2);
    expect(err).toContain(`there is no verb "${verb}"; there are start, analyze, explain, up, validate, xds, help`);
    expect(err).toContain('usage: meshwork start|analyze');
  });

  it('refuses a proxy of another kind with its usage', async () => {
    const { code, err } = await run(SERVICE, '--proxy', 'ztunnel');
    expect(code).toBe(2);
    expect(err).toContain('--proxy is sidecar or router');
  });
});
