import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { noInput } from '../../../server/sandbox/exec/run-command.ts';
import { eventually } from '../workloads/support.ts';
import { startNode, type TestNode } from './node.ts';
import { changeId } from './support.ts';

const shell = (script: string, more: object = {}): object => ({
  name: 'main',
  image: 'busybox',
  command: ['sh', '-c', script],
  ...more,
});
const server = (more: object = {}): object => ({
  name: 'main',
  image: 'nginx',
  ports: [{ name: 'http', containerPort: 8080 }],
  ...more,
});
const app = (more: object = {}): object => ({
  name: 'main',
  image: 'meshwork/inventory:1.0',
  ports: [{ name: 'http', containerPort: 8080 }],
  ...more,
});

describe('a container', () => {
  let node: TestNode;
  beforeEach(() => {
    node = startNode(219);
  });
  afterEach(() => node.stop());

  const first = (pod: string) => node.running(pod)?.containers[0];
  const run = async (pod: string, command: readonly string[]): Promise<string> => {
    let out = '';
    const add = (text: string): void => {
      out += text;
    };
    await node
      .running(pod)
      ?.run('main', command, { ...noInput, out: add, err: add, signal: new AbortController().signal });
    return out;
  };

  it('that ends with 0 makes its pod Succeeded where it is not restarted, and with another code Failed', async () => {
    node.create('good', [shell('echo fine')], { restartPolicy: 'Never' });
    node.create('bad', [shell('exit 4')], { restartPolicy: 'Never' });
    await eventually(() => node.status('good').phase === 'Succeeded' && node.status('bad').phase === 'Failed');
    expect(node.status('bad').containerStatuses?.[0]).toMatchObject({
      state: { terminated: { exitCode: 4, reason: 'Error' } },
    });
    expect(node.running('good')?.logs('main')).toEqual(['fine']);
  });

  it('that ends is restarted with a pause that doubles, and keeps the log of the run before', async () => {
    node.create('loop', [shell('echo run; exit 1')]);
    await eventually(() => first('loop')?.state === 'CrashLoopBackOff');
    expect(first('loop')).toMatchObject({ restarts: 1, message: expect.stringContaining('back-off 10s') });
    expect(node.running('loop')?.container('main')?.previousLog?.lines()).toEqual(['run']);
    node.clock.advance(10_000);
    await eventually(() => first('loop')?.restarts === 2 && first('loop')?.state === 'CrashLoopBackOff');
    expect(first('loop')?.message).toContain('back-off 20s');
  });

  it('is ready when its readiness probe has succeeded, and not while it fails', async () => {
    const readinessProbe = { httpGet: { path: '/health', port: 'http' }, initialDelaySeconds: 3, periodSeconds: 1 };
    node.create('web', [app({ readinessProbe })]);
    await eventually(() => first('web')?.state === 'Running');
    expect(node.isReady('web')).toBe(false);
    await node.advanceUntil(() => node.isReady('web'));
    node.create('never', [app({ name: 'main', readinessProbe: { tcpSocket: { port: 9999 }, periodSeconds: 1 } })]);
    await node.advanceUntil(() =>
      node.events().some((event) => event.startsWith('Unhealthy: Readiness probe failed: dial tcp')),
    );
    expect(node.isReady('never')).toBe(false);
  });

  it('is killed and started again when its liveness probe fails often enough', async () => {
    const livenessProbe = { exec: { command: ['cat', '/tmp/healthy'] }, periodSeconds: 1, failureThreshold: 2 };
    node.create('live', [shell('touch /tmp/healthy; sleep 5; rm /tmp/healthy; sleep 600', { livenessProbe })]);
    await eventually(() => first('live')?.state === 'Running');
    await node.advanceUntil(() => (first('live')?.restarts ?? 0) > 0);
    expect(node.events()).toContain('Killing: Container main failed liveness probe, will be restarted');
    expect(node.events().join('\n')).toContain(
      'Unhealthy: Liveness probe failed: cat: /tmp/healthy: No such file or directory',
    );
  });

  it('is not probed for readiness before its startup probe has succeeded', async () => {
    const startupProbe = { exec: { command: ['test', '-f', '/tmp/up'] }, periodSeconds: 1, failureThreshold: 30 };
    node.create('slow', [shell('sleep 3; touch /tmp/up; sleep 600', { startupProbe })]);
    await eventually(() => first('slow')?.state === 'Running');
    node.clock.advance(1000);
    expect(node.isReady('slow')).toBe(false);
    await node.advanceUntil(() => node.isReady('slow'));
  });

  it('has environment and files from ConfigMaps and Secrets, and waits for those that are missing', async () => {
    const env = [
      { name: 'COLOR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'color' } } },
      { name: 'BOTH', value: '$(COLOR) sky' },
      { name: 'NONE', valueFrom: { secretKeyRef: { name: 'absent', key: 'x', optional: true } } },
    ];
    const volumes = [{ name: 'keys', secret: { secretName: 'keys', items: [{ key: 'a', path: 'deep/a' }] } }];
    const volumeMounts = [{ name: 'keys', mountPath: '/etc/keys' }];
    node.create('configured', [shell('sleep infinity', { env, volumeMounts })], { volumes });
    await eventually(() => node.events().some((event) => event.includes('secret "keys" not found')));
    expect(first('configured')?.state).toBe('ContainerCreating');
    const metadata = (name: string) => ({ name, namespace: 'default' });
    const data = { a: Buffer.from('secret').toString('base64') };
    node.store.create({ apiVersion: 'v1', kind: 'Secret', metadata: metadata('keys'), data }, { changeId });
    await node.advanceUntil(() => first('configured')?.state === 'CreateContainerConfigError');
    expect(first('configured')?.message).toBe('configmap "settings" not found');
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: metadata('settings'), data: { color: 'blue' } };
    node.store.create(settings, { changeId });
    await node.advanceUntil(() => first('configured')?.state === 'Running');
    expect(await run('configured', ['printenv', 'BOTH'])).toBe('blue sky\n');
    expect(await run('configured', ['cat', '/etc/keys/deep/a'])).toBe('secret');
    expect(await run('configured', ['cat', '/var/run/secrets/kubernetes.io/serviceaccount/token'])).toBe(
      'token of default/default for the API',
    );
  });

  it('of an init step that fails holds the others back', async () => {
    node.create('held', [server()], {
      initContainers: [{ ...shell('exit 1'), name: 'first' }],
      restartPolicy: 'Never',
    });
    await eventually(() => node.status('held').phase === 'Failed');
    expect(node.running('held')?.containers.find(({ name }) => name === 'main')?.state).not.toBe('Running');
  });
});
