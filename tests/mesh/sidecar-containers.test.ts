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
