import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';
import { type Kubectl, type KubectlResult, kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';
import { deploymentYaml, manifest, podYaml, virtualServiceYaml } from './kubectl/manifests.ts';

describe.skipIf(!kubectlPath)('the real kubectl changes objects', () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  let namespaces = 0;
  /** A namespace of its own for each test, and what runs kubectl there. */
  async function place() {
    const namespace = `n${++namespaces}`;
    await kubectl.run(['create', 'namespace', namespace]);
    const run = (words: readonly string[], input?: string, env?: Record<string, string>): Promise<KubectlResult> =>
      kubectl.run([...words, '-n', namespace], { ...(input !== undefined && { input }), ...(env && { env }) });
    const out = async (...words: string[]): Promise<string> => {
      const { code, err, out: text } = await run(words);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      return text;
    };
    const apply = async (yaml: string, ...flags: string[]) => (await run(['apply', '-f', '-', ...flags], yaml)).out;
    return { namespace, run, out, apply };
  }

  beforeAll(async () => {
    cluster = await startTestCluster();
    kubectl = kubectlWith(cluster.kubeconfig);
  });
  afterAll(async () => {
    kubectl.dispose();
    await cluster.stop();
  });

  it('applies: created, unchanged, configured', async () => {
    const { apply, out } = await place();
    const both = `${deploymentYaml('web')}---${virtualServiceYaml('web')}`;
    expect(await apply(both)).toBe('deployment.apps/web created\nvirtualservice.networking.istio.io/web created');
    expect(await apply(both)).toBe('deployment.apps/web unchanged\nvirtualservice.networking.istio.io/web unchanged');
    const changed = `${deploymentYaml('web', 3)}---${virtualServiceYaml('web', 'other')}`;
    expect(await apply(changed)).toBe(
      'deployment.apps/web configured\nvirtualservice.networking.istio.io/web configured',
    );
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas} {.metadata.generation}')).toBe('3 2');
    expect(await out('get', 'vs', 'web', '-o', 'jsonpath={.spec.http[0].route[0].destination.host}')).toBe('other');
  });

  it('removes what is no longer applied, and leaves what others wrote', async () => {
    const { apply, out } = await place();
    const labelled = (labels: Record<string, string>) =>
      manifest({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c', labels } });
    await apply(labelled({ mine: '1', gone: '1' }));
    await out('label', 'cm', 'c', 'theirs=1');
    await apply(labelled({ mine: '2' }));
    expect(await out('get', 'cm', 'c', '-o', 'jsonpath={.metadata.labels}')).toBe('{"mine":"2","theirs":"1"}');
  });

  describe('prunes what is applied no more', () => {
    const configMap = (name: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {set: mine}}
`;
    const both = `${configMap('kept')}---${configMap('gone')}---${virtualServiceYaml('web')}`;

    it('by a label, in the kinds that are listed', async () => {
      const { run, out } = await place();
      await run(['apply', '-f', '-'], both);
      await out('create', 'configmap', 'others');
      await out('label', 'configmap', 'others', 'set=mine');
      const flags = ['--prune', '-l', 'set=mine', '--prune-allowlist=core/v1/ConfigMap'];
      const { code, out: text } = await run(['apply', '-f', '-', ...flags], configMap('kept'));
      // What nobody applied stays, and so does what the list leaves out.
      expect({ code, text }).toEqual({ code: 0, text: 'configmap/kept unchanged\nconfigmap/gone pruned' });
      expect(await out('get', 'cm,vs', '-o', 'name')).toBe(
        'configmap/kept\nconfigmap/others\nvirtualservice.networking.istio.io/web',
      );
    });

    it('by an ApplySet, whose Secret knows the kinds of its members', async () => {
      const { run, out } = await place();
      const applySet = (yaml: string): Promise<KubectlResult> =>
        run(['apply', '-f', '-', '--prune', '--applyset=mine'], yaml, { KUBECTL_APPLYSET: 'true' });
      expect((await applySet(both)).code).toBe(0);
      const kinds = await out('get', 'secret', 'mine', '-o', 'jsonpath={.metadata.annotations}');
      expect(kinds).toMatch(/"applyset.kubernetes.io\/contains-group-(kinds|resources)":"[^"]*networking.istio.io"/);
      const { code, out: text } = await applySet(configMap('kept'));
      expect({ code, lines: text.split('\n').sort() }).toEqual({
        code: 0,
        lines: ['configmap/gone pruned', 'configmap/kept unchanged', 'virtualservice.networking.istio.io/web pruned'],
      });
    });
  });

  it('applies on the server: owners, conflicts, force', async () => {
    const { apply, out, run } = await place();
    expect(await apply(deploymentYaml('web'), '--server-side')).toBe('deployment.apps/web serverside-applied');
    expect(await apply(deploymentYaml('web'), '--server-side', '--field-manager=second')).toBe(
      'deployment.apps/web serverside-applied',
    );
    const third = await run(['apply', '--server-side', '--field-manager=third', '-f', '-'], deploymentYaml('web', 5));
    expect(third.code).toBe(1);
    expect(third.err).toContain(
      'error: Apply failed with 2 conflicts: conflicts with "kubectl":\n- .spec.replicas\nconflicts with "second":\n- .spec.replicas\n',
    );
    expect(await apply(deploymentYaml('web', 5), '--server-side', '--field-manager=third', '--force-conflicts')).toBe(
      'deployment.apps/web serverside-applied',
    );
    const path = 'jsonpath={range .metadata.managedFields[*]}{.manager}={.fieldsV1.f:spec.f:replicas} {end}';
    expect(await out('get', 'deploy', 'web', '-o', path, '--show-managed-fields')).toBe('kubectl= second= third={}');
  });

  it('applies on the server over what was applied on the client', async () => {
    const { apply, out } = await place();
    await apply(deploymentYaml('web'));
    expect(await apply(deploymentYaml('web', 4), '--server-side')).toBe('deployment.apps/web serverside-applied');
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('4');
  });

  it('shows the difference that an apply would make, with exit code 1', async () => {
    const { apply, run } = await place();
    await apply(`${deploymentYaml('web')}---${virtualServiceYaml('web')}`);
    expect((await run(['diff', '-f', '-'], virtualServiceYaml('web'))).code).toBe(0);
    const { code, out } = await run(
      ['diff', '-f', '-'],
      `${deploymentYaml('web', 7)}---${virtualServiceYaml('web', 'other')}`,
    );
    expect(code).toBe(1);
    expect(out).toContain('\n-  replicas: 2\n+  replicas: 7\n');
    expect(out).toContain('\n-  - web\n+  - other\n');
  });

  it('labels and annotates', async () => {
    const { apply, out, run } = await place();
    await apply(deploymentYaml('web'));
    expect(await out('label', 'deploy', 'web', 'tier=front')).toBe('deployment.apps/web labeled');
    expect(await run(['label', 'deploy', 'web', 'tier=back'])).toMatchObject({
      code: 1,
      err: "error: 'tier' already has a value (front), and --overwrite is false",
    });
    expect(await out('label', 'deploy', 'web', 'tier=back', '--overwrite')).toBe('deployment.apps/web labeled');
    expect(await out('label', 'deploy', 'web', 'tier-')).toBe('deployment.apps/web unlabeled');
    // Release 1.27 says `annotate`.
    expect(await out('annotate', 'deploy', 'web', 'note=x')).toMatch(/^deployment\.apps\/web annotate/);
  });

  it('scales, sets images and environment, restarts, pauses and resumes', async () => {
    const { apply, out } = await place();
    await apply(deploymentYaml('web'));
    expect(await out('scale', 'deploy', 'web', '--replicas=5')).toBe('deployment.apps/web scaled');
    expect(await out('set', 'image', 'deploy/web', 'app=nginx:2')).toBe('deployment.apps/web image updated');
    expect(await out('set', 'env', 'deploy/web', 'A=b')).toBe('deployment.apps/web env updated');
    expect(await out('rollout', 'restart', 'deploy/web')).toBe('deployment.apps/web restarted');
    expect(await out('rollout', 'pause', 'deploy/web')).toBe('deployment.apps/web paused');
    expect(await out('rollout', 'resume', 'deploy/web')).toBe('deployment.apps/web resumed');
    const path = '{.spec.replicas} {.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env}';
    expect(await out('get', 'deploy', 'web', '-o', `jsonpath=${path}`)).toBe('5 nginx:2 [{"name":"A","value":"b"}]');
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.metadata.generation}')).toBe('7');
  });

  it('patches by all three types', async () => {
    const { apply, out } = await place();
    await apply(`${deploymentYaml('web')}---${virtualServiceYaml('web')}`);
    const sidecar = '{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"redis"}]}}}}';
    expect(await out('patch', 'deploy', 'web', '-p', sidecar)).toBe('deployment.apps/web patched');
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[*].name}')).toBe(
      'sidecar app',
    );
    const gone = '{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","$patch":"delete"}]}}}}';
    await out('patch', 'deploy', 'web', '-p', gone);
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.template.spec.containers[*].name}')).toBe('app');
    expect(await out('patch', 'vs', 'web', '--type=merge', '-p', '{"spec":{"hosts":["x"]}}')).toBe(
      'virtualservice.networking.istio.io/web patched',
    );
    expect(await out('patch', 'vs', 'web', '--type=merge', '-p', '{"spec":{"hosts":["x"]}}')).toBe(
      'virtualservice.networking.istio.io/web patched (no change)',
    );
    await out('patch', 'vs', 'web', '--type=json', '-p', '[{"op":"add","path":"/spec/hosts/-","value":"y"}]');
    expect(await out('get', 'vs', 'web', '-o', 'jsonpath={.spec.hosts}')).toBe('["x","y"]');
    expect(
      await out('patch', 'deploy', 'web', '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":3}}'),
    ).toBe('deployment.apps/web patched');
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.status.replicas} {.metadata.generation}')).toBe('3 3');
  });

  it('edits and replaces', async () => {
    const { apply, namespace, out, run } = await place();
    await apply(deploymentYaml('web'));
    const edited = await kubectl.run(['edit', 'deploy', 'web', '-n', namespace], {
      env: { KUBE_EDITOR: `sed -i -e 's/replicas: 2/replicas: 9/'` },
    });
    expect(edited).toMatchObject({ code: 0, out: 'deployment.apps/web edited' });
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('9');
    expect((await run(['replace', '-f', '-'], deploymentYaml('web'))).out).toBe('deployment.apps/web replaced');
    expect(await out('get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}')).toBe('2');
  });

  it('deletes by name, by label, all, and only for show', async () => {
    const { apply, out } = await place();
    await apply(`${podYaml('a')}---${podYaml('b')}---${podYaml('c')}---${virtualServiceYaml('web')}`);
    expect(await out('delete', 'vs', 'web', '--dry-run=server')).toContain(
      'virtualservice.networking.istio.io "web" deleted',
    );
    expect(await out('get', 'vs', '-o', 'name')).toBe('virtualservice.networking.istio.io/web');
    expect(await out('delete', 'vs', 'web')).toMatch(/^virtualservice\.networking\.istio\.io "web" deleted/);
    expect(await out('delete', 'pod', '-l', 'app=a')).toMatch(/^pod "a" deleted/);
    expect(await out('delete', 'pods', '--all')).toMatch(/^pod "b" deleted.*\npod "c" deleted/);
    expect(await out('wait', '--for=delete', 'pod/b', '--timeout=5s')).toBe('');
  });

  it('deletes owned objects with their owner, or leaves them as orphans', async () => {
    const { apply, namespace, out } = await place();
    const owned = async (name: string): Promise<void> => {
      await apply(deploymentYaml(name));
      const uid = await out('get', 'deploy', name, '-o', 'jsonpath={.metadata.uid}');
      const owner = { apiVersion: 'apps/v1', kind: 'Deployment', name, uid };
      const metadata = { name: `${name}-0`, ownerReferences: [owner] };
      const spec = { containers: [{ name: 'app', image: 'nginx' }] };
      await apply(manifest({ apiVersion: 'v1', kind: 'Pod', metadata, spec }));
    };
    await owned('first');
    await out('delete', 'deploy', 'first', '--cascade=foreground');
    expect(await out('get', 'pods', '-o', 'name')).toBe('');
    await owned('second');
    await out('delete', 'deploy', 'second', '--cascade=orphan');
    expect(
      await out('get', 'pods', '-o', 'jsonpath={.items[*].metadata.name}{.items[*].metadata.ownerReferences}'),
    ).toBe('second-0');
    expect((await kubectl.run(['delete', 'namespace', namespace])).out).toMatch(
      new RegExp(`^namespace "${namespace}" deleted`),
    );
  });

  it('waits for a finalizer to go', async () => {
    const { apply, namespace, out } = await place();
    const metadata = { name: 'held', finalizers: ['example.com/hold'] };
    await apply(manifest({ apiVersion: 'v1', kind: 'ConfigMap', metadata }));
    expect(await out('delete', 'cm', 'held', '--wait=false')).toMatch(/^configmap "held" deleted/);
    expect(await out('get', 'cm', 'held', '-o', 'jsonpath={.metadata.finalizers}')).toBe('["example.com/hold"]');
    const waiting = kubectl.start(['wait', '--for=delete', 'cm/held', '--timeout=10s', '-n', namespace, '-v=6']);
    try {
      await waiting.printed('watch=true');
      await out('patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
      expect(await out('get', 'cm', '-o', 'name')).toBe('');
    } finally {
      waiting.end();
    }
  });
});
