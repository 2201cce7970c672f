import { afterAll, beforeAll, expect, it } from 'vitest';
import { INJECTED_DEFAULT, workload } from './manifests.ts';
import { applyAndSettle, type RunningMesh, startMesh } from './sandbox-support.ts';

const deployment = (name: string, image: string, port: number, env: Record<string, string> = {}): string =>
  workload({ name, image, port, env, service: { name: port === 9080 ? 'http' : 'tcp', port } });

const MYSQL = { DB_TYPE: 'mysql', MYSQL_DB_HOST: 'mysqldb', MYSQL_DB_USER: 'root', MYSQL_DB_PASSWORD: 'secret' };
const FOUND = { id: 3, ratings: { Reviewer1: 5, Reviewer2: 4 } };
const LOST = { error: 'could not connect to ratings database' };

let mesh: RunningMesh;
beforeAll(async () => {
  const text = [
    INJECTED_DEFAULT,
    deployment('mysqldb', 'examples-bookinfo-mysqldb', 3306, { MYSQL_ROOT_PASSWORD: 'secret' }),
    deployment('mongodb', 'examples-bookinfo-mongodb', 27017),
    deployment('ratings-mysql', 'examples-bookinfo-ratings-v2', 9080, MYSQL),
    deployment('ratings-mongo', 'examples-bookinfo-ratings-v2', 9080, { MONGO_DB_URL: 'mongodb://mongodb:27017/test' }),
  ].join('\n');
  mesh = await startMesh([{ file: 'databases.yaml', text }], false);
}, 60_000);
afterAll(() => mesh?.stop());

const podOf = (app: string) => {
  const pod = mesh.sandbox.pods.find(({ labels }) => labels['app'] === app);
  if (pod === undefined) throw new Error(`no pod of ${app}`);
  return pod;
};
async function ratings(app: string): Promise<unknown> {
  const response = await fetch(`http://${podOf(app).ip}:9080/ratings/3`);
  return response.json();
}
const opened = (app: string): number =>
  [...(podOf(app).proxy?.admin.stats() ?? [])]
    .filter(([name]) => /^cluster\.outbound\|(3306|27017)\|\|.*upstream_cx_total$/.test(name))
    .reduce((sum, [, value]) => sum + value, 0);

it('asks each database over TCP connections through both sidecars', async () => {
  expect(await ratings('ratings-mysql')).toEqual(FOUND);
  expect(await ratings('ratings-mongo')).toEqual(FOUND);
  expect(opened('ratings-mysql')).toBe(1);
  expect(opened('ratings-mongo')).toBe(1);
});

it('is refused by an AuthorizationPolicy on the database’s port', async () => {
  const policy = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: nobody, namespace: default }
spec:
  selector: { matchLabels: { app: mysqldb } }
  action: DENY
  rules: [{ to: [{ operation: { ports: ["3306"] } }] }]
`;
  await applyAndSettle(mesh.sandbox, { file: 'policy.yaml', text: policy });
  expect(await ratings('ratings-mysql')).toEqual(LOST);
  expect(await ratings('ratings-mongo')).toEqual(FOUND);
});
