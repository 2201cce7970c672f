import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { applyAndSettle, type RunningMesh, startMesh, topology } from './sandbox-support.ts';

/** An application with ports at all addresses, at 127.0.0.1 alone and at the pod's address alone. */
const bound = (name: string, labels = '', ports = '18080') => ({
  file: `${name}.yaml`,
  text: `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}${labels} } }
    spec:
      containers:
        - name: app
          image: gcr.io/istio-testing/app
          args: [--port=18080, --port=18081, --bind-localhost=18081, --port=18082, --bind-ip=18082]
          ports: [{ containerPort: ${ports} }]
`,
});

const sidecar = {
  file: 'sidecar.yaml',
  text: `
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: { name: bound }
spec:
  workloadSelector: { labels: { app: bound } }
  ingress:
    - { port: { number: 18085, name: http, protocol: HTTP }, defaultEndpoint: '127.0.0.1:18081' }
    - { port: { number: 18086, name: http-pod, protocol: HTTP }, defaultEndpoint: '0.0.0.0:18081' }
`,
};

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

describe('ports that an application binds to one address of its pod', () => {
  let mesh: RunningMesh;
  const podOf = (app: string): RunningPod => mesh.sandbox.pods.find(({ labels }) => labels['app'] === app)!;

  beforeAll(async () => {
    mesh = await startMesh(
      [
        {
          file: 'ns.yaml',
          text: 'apiVersion: v1\nkind: Namespace\nmetadata: { name: default, labels: { istio-injection: enabled } }',
        },
        bound('bound'),
        bound('declared', '', '18081'),
        bound('plain', ', sidecar.istio.io/inject: "false"'),
      ],
      false,
    );
  });
  afterAll(() => mesh?.stop());

  const statusAt = async (app: string, port: number): Promise<number | string> => {
    const answer = await podOf(app === 'bound' ? 'declared' : 'bound')
      .fetch(`http://${podOf(app).ip}:${port}/`)
      .catch((error: NodeJS.ErrnoException) => error.code ?? String(error));
    return typeof answer === 'string' ? answer : answer.status;
  };

  // Towards a port that no Service has the proxy of the client passes bytes on, and ends the connection.
  it.each([
    ['declared', 503],
    ['bound', 503],
    ['plain', 'ECONNRESET'],
  ])('of %s: what is bound to 127.0.0.1 is closed to other pods (%s)', async (app, refusal) => {
    const answers = [await statusAt(app, 18080), await statusAt(app, 18081), await statusAt(app, 18082)];
    expect(answers).toEqual([200, refusal, 200]);
  });

  it('are found by the pod itself at their own address alone', async () => {
    for (const app of ['bound', 'plain']) {
      const { ip } = podOf(app);
      const own = (host: string, port: number): Promise<number | string> =>
        podOf(app)
          .fetch(`http://${host}:${port}/`)
          .then(
            ({ status }) => status,
            (error: NodeJS.ErrnoException) => error.code ?? String(error),
          );
      expect([await own('localhost', 18081), await own('localhost', 18082)]).toEqual([200, 'ECONNREFUSED']);
      expect([await own(ip, 18081), await own(ip, 18082)]).toEqual(['ECONNREFUSED', 200]);
    }
  });

  it('are reached by the defaultEndpoint of a Sidecar that names their address', async () => {
    await applyAndSettle(mesh.sandbox, sidecar);
    const ask = async (port: number): Promise<number> =>
      (await podOf('declared').fetch(`http://${podOf('bound').ip}:${port}/`)).status;
    expect([await ask(18085), await ask(18086)]).toEqual([200, 503]);
  });
});
