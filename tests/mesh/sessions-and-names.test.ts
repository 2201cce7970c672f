import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { noInput } from '../../server/sandbox/exec/run-command.ts';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

/** A host of the outside world that echoes over TCP, and the entry by which the mesh knows it. */
const outside = (name: string): string => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  annotations: { meshwork.dev/outside-host: ${name}.example, sidecar.istio.io/inject: "false" }
spec: { containers: [{ name: echo, image: istio/tcp-echo-server, args: ["9000", "${name}"] }] }
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: ${name} }
spec: { hosts: [${name}.example], ports: [{ number: 9000, name: tcp, protocol: TCP }], resolution: DNS }
`;

const SHOP = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Service
metadata: { name: cart, labels: { istio.io/persistent-session: seat } }
spec: { selector: { app: cart }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: cart }
spec:
  replicas: 3
  selector: { matchLabels: { app: cart } }
  template:
    metadata: { labels: { app: cart } }
    spec: { containers: [{ name: cart, image: agnhost, args: [netexec], ports: [{ containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Pod
metadata: { name: visitor, labels: { app: visitor } }
spec: { containers: [{ name: sh, image: curlimages/curl, command: [sleep, infinity] }] }
---
apiVersion: v1
kind: Pod
metadata:
  name: resolver
  annotations: { proxy.istio.io/config: "{ proxyMetadata: { ISTIO_META_DNS_CAPTURE: 'true' } }" }
spec: { containers: [{ name: sh, image: curlimages/curl, command: [sleep, infinity] }] }
---
${outside('one')}
---
${outside('two')}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: { name: listed }
spec:
  hosts: [listed.internal]
  addresses: [198.51.100.7]
  ports: [{ number: 80, name: http, protocol: HTTP }]
  resolution: DNS
  endpoints: [{ address: cart.default.svc.cluster.local }]
`;

/** What istiod is told by its environment. */
const ISTIOD_ENV = [{ name: 'PILOT_ENABLE_PERSISTENT_SESSION_FILTER', value: 'true' }];

let mesh: RunningMesh;
beforeAll(async () => {
  mesh = await startMesh([{ file: 'shop.yaml', text: SHOP }], false);
}, 60_000);
afterAll(() => mesh?.stop());

const podNamed = (name: string): RunningPod => mesh.sandbox.pods.find((pod) => pod.name === name)!;

/** What a shell in a pod prints. */
async function sh(script: string, pod = 'visitor'): Promise<string> {
  let printed = '';
  const keep = (text: string): void => {
    printed += text;
  };
  const { signal } = new AbortController();
  await podNamed(pod).run('sh', ['sh', '-c', script], { ...noInput, out: keep, err: keep, signal });
  return printed;
}

const visit = (cookie = ''): Promise<string> =>
  sh(`curl -s -i ${cookie && `-H 'cookie: ${cookie}' `}http://cart/hostname`);
const cookieOf = (answer: string): string | undefined => /^set-cookie: (.+?)\r?$/im.exec(answer)?.[1];
const podOf = (answer: string): string => answer.trimEnd().split('\n').at(-1) ?? '';

describe('a Service with the label istio.io/persistent-session', () => {
  it('keeps no session unless istiod is told to', async () => {
    expect(cookieOf(await visit())).toBeUndefined();
  });

  it('keeps one by a cookie at one pod once istiod is told to, until that pod is gone', {
    timeout: 60_000,
  }, async () => {
    const istiod = { namespace: 'istio-system', name: 'istiod' };
    const { template } = mesh.sandbox.store.get('Deployment', istiod)!.spec as {
      template: { spec: { containers: Record<string, unknown>[] } };
    };
    const containers = template.spec.containers.map((container) => ({ ...container, env: ISTIOD_ENV }));
    const change = { spec: { template: { spec: { containers } } } };
    mesh.sandbox.store.patch('Deployment', istiod, change, { changeId: 'env' });
    await expect
      .poll(() => visit().then(cookieOf), { timeout: 30_000 })
      .toMatch(/^seat="[\w+/=]+"; Path=\/; HttpOnly$/);
    const begun = await visit();
    const [cookie = ''] = cookieOf(begun)?.split(';') ?? [];
    // The session is the address of the pod.
    const seat = Buffer.from(/"(.+)"/.exec(cookie)?.[1] ?? '', 'base64').toString('latin1');
    expect(seat).toContain(`${podNamed(podOf(begun)).ip}:8080`);
    const again = await Promise.all(Array.from({ length: 6 }, () => visit(cookie)));
    expect(again.map((answer) => [podOf(answer), cookieOf(answer)])).toEqual(
      Array.from({ length: 6 }, () => [podOf(begun), undefined]),
    );
    mesh.sandbox.remove('Pod', { namespace: 'default', name: podOf(begun) });
    let moved = '';
    const isMoved = async (): Promise<boolean> => {
      moved = await visit(cookie);
      return moved.startsWith('HTTP/1.1 200') && podOf(moved) !== podOf(begun);
    };
    await expect.poll(isMoved, { timeout: 20_000 }).toBe(true);
    expect(cookieOf(moved)).toMatch(/^seat=/);
    const [next = ''] = cookieOf(moved)?.split(';') ?? [];
    expect([podOf(await visit(next)), cookieOf(await visit(next))]).toEqual([podOf(moved), undefined]);
  });
});

describe('an agent that answers DNS questions', () => {
  const resolver = (script: string): Promise<string> => sh(script, 'resolver');
  const allocated = (name: string): string[] => {
    const { status } = mesh.sandbox.store.get('ServiceEntry', { namespace: 'default', name })!;
    const { addresses = [] } = (status ?? {}) as { addresses?: { host: string; value: string }[] };
    return addresses.map(({ host, value }) => `${host} ${value}`);
  };

  it('is told the addresses that istiod gave to entries without any, which their statuses show', async () => {
    expect(['one', 'two', 'listed'].map(allocated)).toEqual([
      ['one.example 240.240.0.1', 'one.example 2001:2::1'],
      ['two.example 240.240.0.2', 'two.example 2001:2::2'],
      [],
    ]);
    expect(await resolver('getent hosts one.example; getent hosts two.example; getent hosts listed.internal')).toBe(
      '240.240.0.1    one.example\n240.240.0.2    two.example\n198.51.100.7    listed.internal\n',
    );
  });

  it('leads TCP to hosts that share a port to each by its address; without it, the name server of the cluster answers', async () => {
    expect(await resolver('echo hi | nc one.example 9000; echo hi | nc two.example 9000')).toBe('one hi\ntwo hi\n');
    const [one, two] = ['one', 'two'].map((name) => podNamed(name).ip);
    expect(await sh('getent hosts one.example; getent hosts two.example')).toBe(
      `${one}    one.example\n${two}    two.example\n`,
    );
    expect(await sh('curl -sS http://listed.internal/hostname')).toBe(
      'curl: (6) Could not resolve host: listed.internal\n',
    );
    expect(await resolver('curl -sS http://listed.internal/hostname')).toMatch(/^cart-/);
  });

  it('answers for short names and with the search list, has no AAAA, and passes on what it does not know', async () => {
    const lines = async (script: string): Promise<string[]> =>
      (await resolver(script)).split('\n').filter((line) => /status|flags|\tIN\t(?:A|CNAME)\t/.test(line));
    const { clusterIP } = mesh.sandbox.store.get('Service', { namespace: 'default', name: 'cart' })!.spec as {
      clusterIP: string;
    };
    expect(await lines('dig cart.default')).toEqual([
      ';; ->>HEADER<<- opcode: QUERY, status: NOERROR',
      ';; flags: qr aa rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0',
      `cart.default.\t\t30\tIN\tA\t${clusterIP}`,
    ]);
    expect(await lines('dig one.example.default.svc.cluster.local')).toEqual([
      ';; ->>HEADER<<- opcode: QUERY, status: NOERROR',
      ';; flags: qr aa rd ra; QUERY: 1, ANSWER: 2, AUTHORITY: 0, ADDITIONAL: 0',
      'one.example.default.svc.cluster.local.\t\t30\tIN\tCNAME\tone.example.',
      'one.example.\t\t30\tIN\tA\t240.240.0.1',
    ]);
    expect(await lines('dig one.example AAAA')).toEqual([
      ';; ->>HEADER<<- opcode: QUERY, status: NOERROR',
      ';; flags: qr aa rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0',
    ]);
    expect(await lines('dig nobody.example')).toEqual([
      ';; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN',
      ';; flags: qr rd ra; QUERY: 1, ANSWER: 0, AUTHORITY: 0, ADDITIONAL: 0',
    ]);
    expect(await resolver('nslookup one.example | tail -2')).toBe(
      'Name:\tone.example.default.svc.cluster.local\nAddress: 240.240.0.1\n',
    );
  });
});

describe('the curl of a pod', () => {
  it('is told to upgrade where it speaks HTTP/1.0, as by any Envoy that does not accept it', async () => {
    const [head = '', ...rest] = (await sh('curl -s -i -0 http://cart/hostname')).split('\r\n');
    expect(head).toMatch(/^HTTP\/1\.[01] 426 Upgrade Required$/);
    expect(rest.slice(-3)).toEqual(['connection: close', '', 'Upgrade Required']);
  });

  it('asks a proxy that is a Service of the mesh, with whole URLs', async () => {
    expect(await sh("curl -s -o /dev/null -w '%{http_code}' -x cart:80 http://cart/hostname")).toBe('200');
  });

  it('tells when each phase was over, in their order', async () => {
    const names = ['namelookup', 'connect', 'pretransfer', 'starttransfer', 'total'];
    const format = names.map((name) => `%{time_${name}}`).join(' ');
    const times = (await sh(`curl -s -o /dev/null -w '${format}' http://cart/hostname`)).split(' ').map(Number);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(times[3]).toBeGreaterThan(0);
  });
});
