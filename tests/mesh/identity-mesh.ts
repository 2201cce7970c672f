import { createCertificateAuthority, createTokenIssuer } from '#ca';
import type { RunningPod, Sandbox } from '#sandbox';
import { clock } from './data-plane-harness.ts';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

const application = (name: string, upstreams: string, ttl: string): string => `
apiVersion: v1
kind: ServiceAccount
metadata: { name: ${name} }
---
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  selector: { app: ${name} }
  ports: [{ name: http, port: 8080 }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata:
      labels: { app: ${name} }
      annotations: { proxy.istio.io/config: "{ proxyMetadata: { SECRET_TTL: ${ttl} } }" }
    spec:
      serviceAccountName: ${name}
      containers:
        - { name: ${name}, image: meshwork/${name}:1.0, ports: [{ containerPort: 8080 }], env: [{ name: UPSTREAMS, value: "${upstreams}" }] }
---
`;

/** So many, then a connection of `cart` to `inventory` ends. */
export const REQUESTS_PER_CONNECTION = 20;

/** Connections end after a few requests, so that handshakes never cease. */
const rules = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: strict }
spec: { mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: inventory }
spec:
  host: inventory
  trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: ${REQUESTS_PER_CONNECTION} } } }
`;

/** `cart` calls `inventory` over STRICT mutual TLS; their certificates live for `ttl`. */
export function startPair(ttl: string): Promise<RunningMesh> {
  const namespace =
    'apiVersion: v1\nkind: Namespace\nmetadata: { name: default, labels: { istio-injection: enabled } }\n---\n';
  const text =
    namespace + application('cart', 'http://inventory:8080', ttl) + application('inventory', '', ttl) + rules;
  return startMesh([{ file: 'pair.yaml', text }], false);
}

export function podOf(sandbox: Sandbox, app: string): RunningPod {
  const pod = sandbox.pods.find(({ labels }) => labels['app'] === app);
  if (pod === undefined) throw new Error(`no pod of ${app}`);
  return pod;
}

export const secretOf = (pod: RunningPod, name: 'default' | 'ROOTCA') =>
  pod.proxy?.admin.secrets().find((secret) => secret.name === name);

/** More than this are never open at once: a machine that is busy with others slows the load down instead of failing it. */
const MAX_OPEN = 100;

/** Requests of cart's program to inventory at a steady rate, whatever becomes of them, until `stop`. */
export function startLoad(sandbox: Sandbox, perSecond: number): { sent(): number; stop(): Promise<LoadOutcome> } {
  const TICK_MS = 10;
  const pod = podOf(sandbox, 'cart');
  const outcome = { sent: 0, failures: [] as string[] };
  const began = performance.now();
  let left = 0;
  let drained: () => void = () => undefined;
  const send = async (): Promise<void> => {
    left++;
    outcome.sent++;
    try {
      const { status } = await pod.fetch('http://inventory:8080/', { timeoutMs: 30_000 });
      if (status !== 200) outcome.failures.push(`status ${status}`);
    } catch (error) {
      outcome.failures.push(String(error));
    }
    if (--left === 0) drained();
  };
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
    while (outcome.sent < due && left < MAX_OPEN) void send();
  }, TICK_MS);
  return {
    sent: () => outcome.sent,
    stop: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - began) / 1000;
      if (left > 0) await new Promise<void>((resolve) => (drained = resolve));
      return { ...outcome, seconds };
    },
  };
}

export interface LoadOutcome {
  readonly sent: number;
  readonly seconds: number;
  readonly failures: readonly string[];
}

/** An operator's own CA: what goes into the Secret `cacerts`. */
export function operatorCa() {
  return createCertificateAuthority({ trustDomain: 'cluster.local', clock, tokens: createTokenIssuer({ clock }) })
    .material;
}

type Material = ReturnType<typeof operatorCa>;

/** Creates or replaces the Secret `cacerts`. */
export function plugIn(sandbox: Sandbox, { caCertPem, caKeyPem }: Material, roots: readonly string[]): void {
  const files = {
    'ca-cert.pem': caCertPem,
    'ca-key.pem': caKeyPem,
    'cert-chain.pem': caCertPem,
    'root-cert.pem': roots.join(''),
  };
  writeSecret(sandbox, files);
}

export function writeSecret(sandbox: Sandbox, files: Readonly<Record<string, string>>): void {
  const data = Object.fromEntries(
    Object.entries(files).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
  );
  const name = { namespace: 'istio-system', name: 'cacerts' };
  if (sandbox.store.get('Secret', name) === undefined) {
    sandbox.store.create(
      { apiVersion: 'v1', kind: 'Secret', metadata: name, type: 'Opaque', data },
      { changeId: 'test' },
    );
  } else sandbox.store.patch('Secret', name, { data }, { changeId: 'test' });
}

/** The material of istiod's own making. */
export function ownMaterial(sandbox: Sandbox): Material {
  const secret = sandbox.store.get('Secret', { namespace: 'istio-system', name: 'istio-ca-secret' });
  const data = (secret?.['data'] ?? {}) as Record<string, string>;
  const pem = (key: string): string => Buffer.from(data[key] ?? '', 'base64').toString('utf8');
  return { caCertPem: pem('ca-cert.pem'), caKeyPem: pem('ca-key.pem'), rootCertPem: pem('root-cert.pem') };
}

let restarts = 0;

/** As `kubectl rollout restart deployment/istiod`; resolves when the new one runs. */
export async function restartIstiod(sandbox: Sandbox): Promise<void> {
  const before = sandbox.pods.find(({ labels }) => labels['app'] === 'istiod')?.name;
  const annotations = { 'kubectl.kubernetes.io/restartedAt': `test ${restarts++}` };
  const change = { spec: { template: { metadata: { annotations } } } };
  sandbox.store.patch('Deployment', { namespace: 'istio-system', name: 'istiod' }, change, { changeId: 'restart' });
  const isNew = (): boolean =>
    sandbox.controlPlane !== undefined &&
    sandbox.pods.some(
      ({ labels, name, containers }) =>
        labels['app'] === 'istiod' && name !== before && containers.every(({ ready }) => ready),
    );
  await sandbox.until(isNew, 25_000, 'a new istiod runs');
}
