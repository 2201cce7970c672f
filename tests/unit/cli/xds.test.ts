import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli } from '../../../server/cli/index.ts';

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

async function run(text: string, ...args: string[]): Promise<{ code: number; text: string; err: string }> {
  const out: string[] = [];
  const err: string[] = [];
  const io = {
    out: (line: string) => out.push(line),
    err: (line: string) => err.push(line),
    input: async () => text,
    signal: new AbortController().signal,
  };
  const code = await runCli('xds', ['-f', '-', ...args], io);
  return { code, text: out.join('\n'), err: err.join('\n') };
}

const xds = async (text: string, ...args: string[]): Promise<Printed> =>
  JSON.parse((await run(text, ...args)).text) as Printed;

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
    expect(second.text).toBe(first.text);
  });

  it('selects Gateways by the labels of a router, those of Ingresses included', async () => {
    const args = ['--proxy', 'router', '--namespace', 'istio-system', '--labels', 'istio=ingressgateway'];
    const printed = await xds(`${SERVICE}---${INGRESS}`, ...args);
    expect(names(printed.routes)).toEqual(['http.80']);
    expect(JSON.stringify(printed.routes)).toContain('"cluster":"outbound|9080||reviews.default.svc.cluster.local"');
  });

  it('obeys the MeshConfig of a file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'xds-')), 'mesh.yaml');
    writeFileSync(file, 'outboundTrafficPolicy: { mode: REGISTRY_ONLY }\n');
    const printed = await xds(SERVICE, '--mesh-config', file);
    expect(JSON.stringify(printed.routes)).toContain('block_all');
  });

  it('refuses a proxy of another kind with its usage', async () => {
    const { code, err } = await run(SERVICE, '--proxy', 'ztunnel');
    expect(code).toBe(2);
    expect(err).toContain('--proxy is sidecar or router');
  });
});
