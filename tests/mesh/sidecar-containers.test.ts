import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RunningMesh, startMesh } from './sandbox-support.ts';

const POD = `
apiVersion: v1
kind: Namespace
metadata: { name: default, labels: { istio-injection: enabled } }
---
apiVersion: v1
kind: Pod
metadata: { name: shop, namespace: default, labels: { app: shop } }
spec:
  initContainers:
    - { name: first, image: busybox, command: [sh, -c, "echo first"] }
    - { name: beside, image: nginx, restartPolicy: Always, startupProbe: { httpGet: { port: 80, path: / } } }
    - { name: second, image: busybox, command: [sh, -c, "wget -q -O - http://localhost:80/ | head -1"] }
  containers: [{ name: main, image: go-httpbin, ports: [{ containerPort: 8080 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: shop, namespace: default }
spec: { selector: { app: shop }, ports: [{ name: http, port: 80, targetPort: 8080 }] }
`;

const JOB = `
apiVersion: batch/v1
kind: Job
metadata: { name: nightly, namespace: default }
spec:
  template:
    metadata: { annotations: { sidecar.istio.io/nativeSidecar: "true" } }
    spec:
      restartPolicy: OnFailure
      initContainers:
        - { name: beside, image: nginx, restartPolicy: Always }
        - { name: before, image: busybox, command: [sh, -c, "wget -q -O - http://shop/status/204; echo asked"] }
      containers: [{ name: work, image: busybox, command: [sh, -c, "wget -q -O - http://shop/headers"] }]
`;

const WITH_PLAIN_SIDECAR = `
apiVersion: batch/v1
kind: Job
metadata: { name: plain, namespace: default }
spec:
  template:
    metadata: { annotations: { sidecar.istio.io/nativeSidecar: "false", proxy.istio.io/config: "holdApplicationUntilProxyStarts: true" } }
    spec:
      restartPolicy: Never
      containers:
        - name: work
          image: curlimages/curl
          command: [sh, -c, "curl -s -o /dev/null http://shop/headers; curl -s -X POST http://localhost:15020/quitquitquit"]
`;

let mesh: RunningMesh;
beforeAll(async () => {
  mesh = await startMesh([{ file: 'pods.yaml', text: POD }], false);
}, 60_000);
afterAll(() => mesh?.stop());

it('starts a sidecar container in its turn and lets it run beside the others', () => {
  const pod = mesh.sandbox.pods.find(({ name }) => name === 'shop');
  expect(pod?.containers.map(({ name, state, ready }) => [name, state, ready])).toEqual([
    ['first', 'Completed', true],
    ['beside', 'Running', true],
    ['second', 'Completed', true],
    ['istio-init', 'Completed', true],
    ['main', 'Running', true],
    ['istio-proxy', 'Running', true],
  ]);
  expect(pod?.logs('second').join('\n')).not.toBe('');
});

/** Resolves when the Job is complete. */
const completed = (name: string): Promise<void> =>
  new Promise((resolve) => {
    const { store } = mesh.sandbox;
    const look = (): void => {
      if (JSON.stringify(store.get('Job', { namespace: 'default', name })?.status ?? {}).includes('"Complete"'))
        resolve();
    };
    store.watch('Job', look);
    look();
  });

it('ends a Job whose proxy is a sidecar container, and whose init containers are a part of the mesh', async () => {
  const outcome = await mesh.sandbox.apply([{ file: 'job.yaml', text: JOB }], { namespace: 'default' });
  expect(outcome).toMatchObject({ accepted: true });
  await completed('nightly');
  const job = mesh.sandbox.store.get('Job', { namespace: 'default', name: 'nightly' });
  expect(job?.status).toMatchObject({ succeeded: 1, conditions: [{ type: 'Complete', status: 'True' }] });
  const pod = mesh.sandbox.pods.find(({ labels }) => labels['job-name'] === 'nightly');
  expect(pod?.containers.map(({ name, kind, state }) => [name, kind, state])).toEqual([
    ['istio-init', 'init', 'Completed'],
    ['istio-proxy', 'proxy', 'Completed'],
    ['beside', 'app', 'Completed'],
    ['before', 'init', 'Completed'],
    ['work', 'app', 'Completed'],
  ]);
  // The peer's certificate is told by the shop's own proxy: the Job's request came through its sidecar.
  expect(pod?.logs('work').join('\n')).toContain('X-Forwarded-Client-Cert');
  expect(pod?.logs('before')).toEqual(['asked']);
}, 30_000);

it('ends a Job that has a plain sidecar, once its work tells the agent to quit', async () => {
  const outcome = await mesh.sandbox.apply([{ file: 'plain.yaml', text: WITH_PLAIN_SIDECAR }], {
    namespace: 'default',
  });
  expect(outcome).toMatchObject({ accepted: true });
  await completed('plain');
  const pod = mesh.sandbox.pods.find(({ labels }) => labels['job-name'] === 'plain');
  expect(pod?.containers.map(({ name, state }) => [name, state])).toEqual(
    expect.arrayContaining([
      ['work', 'Completed'],
      ['istio-proxy', 'Completed'],
    ]),
  );
}, 30_000);
