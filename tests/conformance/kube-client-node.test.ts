import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  ApiException,
  AppsV1Api,
  Attach,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  type KubernetesObject,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  PortForward,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';

const group = { group: 'networking.istio.io', version: 'v1', plural: 'virtualservices' };

const virtualService = (name: string, namespace: string, hosts: readonly string[]) => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  metadata: { name, namespace },
  spec: { hosts, http: [{ route: [{ destination: { host: 'web' } }] }] },
});

const configMap = (name: string, namespace: string, data: Record<string, string> = {}): V1ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace },
  data,
});

/** The Status of the refusal that the call ends with. */
async function refusal(call: Promise<unknown>): Promise<{ code: number; reason: string; message: string }> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ApiException)) throw new Error(`not refused: ${String(error)}`);
  return typeof error.body === 'string' ? JSON.parse(error.body) : error.body;
}

/** A promise that an event settles. */
function signal<T>() {
  return Promise.withResolvers<T>();
}

describe('@kubernetes/client-node', () => {
  let cluster: TestCluster;
  const config = new KubeConfig();
  let core: CoreV1Api;
  let namespaces = 0;
  const newNamespace = async (): Promise<string> => {
    const name = `n${++namespaces}`;
    await core.createNamespace({ body: { metadata: { name } } });
    return name;
  };

  beforeAll(async () => {
    cluster = await startTestCluster();
    config.loadFromString(cluster.kubeconfig);
    core = config.makeApiClient(CoreV1Api);
  });
  afterAll(() => cluster.stop());

  it('creates, reads, lists, replaces and deletes', async () => {
    const namespace = await newNamespace();
    const created = await core.createNamespacedConfigMap({ namespace, body: configMap('a', namespace, { x: '1' }) });
    expect(created.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const read = await core.readNamespacedConfigMap({ namespace, name: 'a' });
    const replaced = await core.replaceNamespacedConfigMap({
      namespace,
      name: 'a',
      body: { ...read, data: { x: '2' } },
    });
    expect(replaced.data).toEqual({ x: '2' });
    const list = await core.listNamespacedConfigMap({ namespace, labelSelector: '!app', limit: 1 });
    expect(list.items.map((each) => each.metadata?.name)).toEqual(['a']);
    expect(await core.deleteNamespacedConfigMap({ namespace, name: 'a' })).toMatchObject({ status: 'Success' });
    expect(await refusal(core.readNamespacedConfigMap({ namespace, name: 'a' }))).toMatchObject({
      code: 404,
      reason: 'NotFound',
      message: 'configmaps "a" not found',
    });
  });

  it('is refused with typed errors', async () => {
    const namespace = await newNamespace();
    const { body } = { body: configMap('a', namespace) };
    const stored = await core.createNamespacedConfigMap({ namespace, body });
    expect(await refusal(core.createNamespacedConfigMap({ namespace, body }))).toMatchObject({
      code: 409,
      reason: 'AlreadyExists',
    });
    await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: { ...stored, data: { b: 'c' } } });
    const stale = core.replaceNamespacedConfigMap({ namespace, name: 'a', body: { ...stored, data: { d: 'e' } } });
    expect(await refusal(stale)).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('handles objects of any kind', async () => {
    const namespace = await newNamespace();
    const objects = KubernetesObjectApi.makeApiClient(config);
    await objects.create(virtualService('web', namespace, ['a']));
    const patch = { ...virtualService('web', namespace, ['b']), spec: { hosts: ['b'] } };
    const merged = await objects.patch(patch, undefined, undefined, undefined, undefined, PatchStrategy.MergePatch);
    expect(merged).toMatchObject({ spec: { hosts: ['b'], http: [{}] } });
    const applied = virtualService('web', namespace, ['c']);
    const forced: KubernetesObject = await objects.patch(
      applied,
      undefined,
      undefined,
      'tests',
      true,
      PatchStrategy.ServerSideApply,
    );
    expect(forced.metadata?.managedFields?.map(({ manager, operation }) => `${manager} ${operation}`)).toContain(
      'tests Apply',
    );
    expect(await objects.read({ ...applied, metadata: { name: 'web', namespace } })).toMatchObject({
      spec: { hosts: ['c'] },
    });
    const custom = config.makeApiClient(CustomObjectsApi);
    const list = (await custom.listNamespacedCustomObject({ ...group, namespace })) as { items: unknown[] };
    expect(list.items).toHaveLength(1);
    await objects.delete({ ...applied, metadata: { name: 'web', namespace } });
    expect(await refusal(objects.read({ ...applied, metadata: { name: 'web', namespace } }))).toMatchObject({
      code: 404,
    });
  });

  it('patches by JSON patch and strategic patch, and scales', async () => {
    const namespace = await newNamespace();
    const apps = config.makeApiClient(AppsV1Api);
    const labels = { app: 'web' };
    const template = { metadata: { labels }, spec: { containers: [{ name: 'app', image: 'nginx' }] } };
    await apps.createNamespacedDeployment({
      namespace,
      body: { metadata: { name: 'web' }, spec: { selector: { matchLabels: labels }, template } },
    });
    const target = { namespace, name: 'web' };
    const replaced = await apps.patchNamespacedDeployment(
      { ...target, body: [{ op: 'replace', path: '/spec/replicas', value: 4 }] },
      setHeaderOptions('Content-Type', PatchStrategy.JsonPatch),
    );
    expect(replaced.spec?.replicas).toBe(4);
    const merged = await apps.patchNamespacedDeployment(
      { ...target, body: { spec: { template: { spec: { containers: [{ name: 'app', image: 'httpd' }] } } } } },
      setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch),
    );
    expect(merged.spec?.template.spec?.containers).toMatchObject([{ name: 'app', image: 'httpd' }]);
    const scale = await apps.readNamespacedDeploymentScale(target);
    expect(scale.status?.selector).toBe('app=web');
    await apps.replaceNamespacedDeploymentScale({ ...target, body: { ...scale, spec: { replicas: 7 } } });
    expect((await apps.readNamespacedDeployment(target)).spec?.replicas).toBe(7);
  });

  it('watches from a version on', async () => {
    const namespace = await newNamespace();
    const { metadata } = await core.listNamespacedConfigMap({ namespace });
    const seen: string[] = [];
    const complete = signal<void>();
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, labelSelector: 'shown' },
      (type: string, object: V1ConfigMap) => {
        seen.push(`${type} ${object.metadata?.name}`);
        if (seen.length === 3) complete.resolve();
      },
      () => undefined,
    );
    const labelled = { ...configMap('a', namespace), metadata: { name: 'a', labels: { shown: 'yes' } } };
    await core.createNamespacedConfigMap({ namespace, body: configMap('hidden', namespace) });
    await core.createNamespacedConfigMap({ namespace, body: labelled });
    await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: { ...labelled, data: { x: 'y' } } });
    await core.replaceNamespacedConfigMap({ namespace, name: 'a', body: configMap('a', namespace) });
    await complete.promise;
    controller.abort();
    expect(seen).toEqual(['ADDED a', 'MODIFIED a', 'DELETED a']);
  });

  it('ends a watch whose version is forgotten', async () => {
    const namespace = await newNamespace();
    const ended = signal<unknown>();
    const events: string[] = [];
    await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: '1' },
      (type: string) => void events.push(type),
      (error: unknown) => ended.resolve(error),
    );
    await ended.promise;
    expect(events.filter((type) => type !== 'ERROR')).toEqual([]);
  });

  it('keeps an informer in step', async () => {
    const namespace = await newNamespace();
    await core.createNamespacedConfigMap({ namespace, body: configMap('before', namespace) });
    const list = () => core.listNamespacedConfigMap({ namespace });
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list);
    const seen: string[] = [];
    const gone = signal<void>();
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, (object) => {
        seen.push(`${verb} ${object.metadata?.name}`);
        if (verb === 'delete') gone.resolve();
      });
    }
    const connected = signal<void>();
    informer.on('connect', () => connected.resolve());
    await informer.start();
    await connected.promise;
    const stored = await core.createNamespacedConfigMap({ namespace, body: configMap('after', namespace) });
    await core.replaceNamespacedConfigMap({ namespace, name: 'after', body: { ...stored, data: { x: 'y' } } });
    await core.deleteNamespacedConfigMap({ namespace, name: 'after' });
    await gone.promise;
    await informer.stop();
    expect(seen).toEqual(['add before', 'add after', 'update after', 'delete after']);
  });

  describe('reaches into pods', () => {
    let namespace: string;
    beforeAll(async () => {
      namespace = await newNamespace();
      await core.createNamespacedPod({
        namespace,
        body: { metadata: { name: 'web' }, spec: { containers: [{ name: 'app', image: 'nginx' }] } },
      });
      cluster.store.updateStatus('Pod', { namespace, name: 'web' }, { phase: 'Running' }, { changeId: '' });
    });

    it('reads logs', async () => {
      const stream = new PassThrough();
      const all = text(stream);
      await new Log(config).log(namespace, 'web', 'app', stream, { follow: true, tailLines: 1 });
      expect(await all).toBe('web/app: third\nfollowed\n');
    });

    it('runs programs and learns their exit code', async () => {
      const [stdout, stderr] = [new PassThrough(), new PassThrough()];
      const ended = signal<{ status?: string }>();
      const outputs = [text(stdout), text(stderr)];
      await new Exec(config).exec(namespace, 'web', 'app', ['fail', '3'], stdout, stderr, null, false, (status) => {
        stdout.end();
        stderr.end();
        ended.resolve(status);
      });
      expect(await ended.promise).toMatchObject({
        status: 'Failure',
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: '3' }] },
      });
      expect(await Promise.all(outputs)).toEqual(['', 'it went wrong\n']);
    });

    it('attaches', async () => {
      const stdout = new PassThrough();
      const said = signal<string>();
      stdout.on('data', (data: Buffer) => said.resolve(data.toString()));
      await new Attach(config).attach(namespace, 'web', 'app', stdout, stdout, null, false);
      expect(await said.promise).toBe('attached to web/app\n');
    });

    it('forwards a port', async () => {
      const [input, output, errors] = [new PassThrough(), new PassThrough(), new PassThrough()];
      const said = signal<string>();
      output.on('data', (data: Buffer) => said.resolve(data.toString()));
      await new PortForward(config).portForward(namespace, 'web', [8080], output, errors, input);
      input.write('hello');
      expect(await said.promise).toBe('echo:hello');
    });
  });
});
