import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunningPod } from '#sandbox';
import { noInput } from '../../server/sandbox/exec/run-command.ts';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

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
`;

/** What istiod is told by its environment. */
const ISTIOD_ENV = [{ name: 'PILOT_ENABLE_PERSISTENT_SESSION_FILTER', value: 'true' }];

let mesh: RunningMesh;
beforeAll(async () => {
  mesh = await startMesh([{ file: 'shop.yaml', text: SHOP }], false);
}, 60_000);
afterAll(() => mesh?.stop());

const podNamed = (name: string): RunningPod => mesh.sandbox.pods.find((pod) => pod.name === name)!;

/** What a shell in the visitor's container prints. */
async function sh(script: string): Promise<string> {
  let printed = '';
  const keep = (text: string): void => {
    printed += text;
  };
  const { signal } = new AbortController();
  await podNamed('visitor').run('sh', ['sh', '-c', script], { ...noInput, out: keep, err: keep, signal });
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
