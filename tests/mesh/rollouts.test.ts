import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

const NAMES = ['caller', 'echo'] as const;
const manifests = (name: string): string => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: default }
spec:
  replicas: 1
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name}, sidecar.istio.io/inject: 'true' } }
    spec: { containers: [{ name: main, image: example/echo-basic:v1, ports: [{ containerPort: 3000 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: default }
spec: { selector: { app: ${name} }, ports: [{ name: http, port: 8080, targetPort: 3000 }] }
`;
const LIMIT_MS = 20_000;
const ECHO = { namespace: 'default', name: 'echo' };
const changeId = 'rollout';

let mesh: RunningMesh;
beforeAll(async () => {
  mesh = await startMesh([{ file: 'shop.yaml', text: NAMES.map(manifests).join('---') }], false);
}, 60_000);
afterAll(() => mesh?.stop());

const podsOf = (app: string) => mesh.sandbox.pods.filter(({ labels }) => labels['app'] === app);
const status = (): Record<string, number> => (mesh.sandbox.store.get('Deployment', ECHO)?.status ?? {}) as never;
const settledAt = (replicas: number): Promise<void> =>
  mesh.sandbox.until(
    () =>
      status()['observedGeneration'] === mesh.sandbox.store.get('Deployment', ECHO)?.metadata.generation &&
      ['replicas', 'updatedReplicas', 'availableReplicas'].every((count) => status()[count] === replicas),
    LIMIT_MS,
    `${replicas} pods, and none that leaves`,
  );

/** Statuses of the requests that three callers sent, one after the other, while something happens. */
async function during(change: () => Promise<void>): Promise<Set<number | string>> {
  const seen = new Set<number | string>();
  let over = false;
  const caller = podsOf('caller')[0];
  const call = async (): Promise<void> => {
    while (!over) {
      const answer = await caller?.fetch('http://echo:8080/', { timeoutMs: LIMIT_MS }).catch(String);
      seen.add(typeof answer === 'string' ? answer : (answer?.status ?? 'nobody calls'));
    }
  };
  const calls = [call(), call(), call()];
  await change().finally(() => {
    over = true;
  });
  await Promise.all(calls);
  return seen;
}

const patch = (spec: object): void => {
  mesh.sandbox.store.patch('Deployment', ECHO, { spec }, { changeId });
};

it('loses no request while every pod is replaced, one restart after the other', { timeout: 90_000 }, async () => {
  const seen = await during(async () => {
    for (const restart of ['first', 'second', 'third']) {
      const before = podsOf('echo').map(({ name }) => name);
      patch({ template: { metadata: { annotations: { restart } } } });
      await settledAt(1);
      expect(before).not.toContain(podsOf('echo')[0]?.name);
    }
  });
  expect([...seen]).toEqual([200]);
});

it('loses no request while the number of pods grows and shrinks', { timeout: 90_000 }, async () => {
  const seen = await during(async () => {
    for (const replicas of [3, 1, 2, 1]) {
      patch({ replicas });
      await settledAt(replicas);
    }
  });
  expect([...seen]).toEqual([200]);
});
