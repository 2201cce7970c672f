import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';
import { type Kubectl, kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';
import { deploymentYaml, manifest, podYaml, virtualServiceYaml } from './kubectl/manifests.ts';

/** What kubectl prints against a real cluster of release 1.32, without controllers. */
describe.skipIf(!kubectlPath)('the real kubectl reads and writes objects', () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  const out = async (...words: string[]): Promise<string> => {
    const { code, err, out: text } = await kubectl.run(words);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return text;
  };
  const apply = async (yaml: string): Promise<string> => (await kubectl.run(['apply', '-f', '-'], { input: yaml })).out;

  beforeAll(async () => {
    cluster = await startTestCluster();
    kubectl = kubectlWith(cluster.kubeconfig);
    await apply(`${deploymentYaml('web')}---${virtualServiceYaml('web')}---${podYaml('web-0')}`);
  });
  afterAll(async () => {
    kubectl.dispose();
    await cluster.stop();
  });

  it('tells the version of the server', async () => {
    // A client of another release warns of that; one of 1.27 prints the whole structure.
    expect((await kubectl.run(['version'])).out).toMatch(/\nServer Version: .*v1\.32\.0/);
  });

  it('lists namespaces', async () => {
    expect(await out('get', 'namespaces')).toBe(
      'NAME          STATUS   AGE\ndefault       Active   <age>\nkube-system   Active   <age>',
    );
  });

  it('prints a deployment as a row, and wide', async () => {
    expect(await out('get', 'deploy', 'web')).toBe(
      'NAME   READY   UP-TO-DATE   AVAILABLE   AGE\nweb    0/2     0            0           <age>',
    );
    expect(await out('get', 'deploy', '-o', 'wide')).toBe(
      'NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES       SELECTOR\n' +
        'web    0/2     0            0           <age>    app          nginx:1.27   app=web',
    );
  });

  it('prints pods of all namespaces with their labels', async () => {
    expect(await out('get', 'pods', '-A', '--show-labels')).toBe(
      'NAMESPACE   NAME    READY   STATUS    RESTARTS   AGE   LABELS\n' +
        'default     web-0   0/1     Pending   0          <age>    app=web-0',
    );
  });

  it('prints a VirtualService with the columns of its definition', async () => {
    expect(await out('get', 'vs')).toBe('NAME   GATEWAYS   HOSTS     AGE\nweb               ["web"]   <age>');
  });

  it('prints several kinds, each with its group', async () => {
    expect(await out('get', 'deploy,vs', '-o', 'name')).toBe(
      'deployment.apps/web\nvirtualservice.networking.istio.io/web',
    );
    expect(await out('get', 'all')).toBe(
      'NAME        READY   STATUS    RESTARTS   AGE\npod/web-0   0/1     Pending   0          <age>\n\n' +
        'NAME                  READY   UP-TO-DATE   AVAILABLE   AGE\n' +
        'deployment.apps/web   0/2     0            0           <age>',
    );
    expect(await out('get', 'istio-io', '-o', 'name')).toBe('virtualservice.networking.istio.io/web');
  });

  it('selects by labels and by fields', async () => {
    expect(await out('get', 'pods', '-l', 'app in (web-0,x),!canary', '-o', 'name')).toBe('pod/web-0');
    expect(await out('get', 'pods', '-l', 'app!=web-0', '-o', 'name')).toBe('');
    expect(await out('get', 'pods', '--field-selector', 'status.phase=Pending,metadata.name!=x', '-o', 'name')).toBe(
      'pod/web-0',
    );
  });

  it('prints by jsonpath, custom columns, go template and as a sorted list', async () => {
    expect(await out('get', 'vs', 'web', '-o', 'jsonpath={.spec.hosts[0]}')).toBe('web');
    expect(await out('get', 'pods', '-o', 'custom-columns=N:.metadata.name,P:.status.phase')).toBe(
      'N       P\nweb-0   Pending',
    );
    expect(await out('get', 'pods', '-o', 'go-template={{range .items}}{{.kind}}{{end}}')).toBe('Pod');
    expect(await out('get', 'ns', '--sort-by=.metadata.name', '-o', 'name')).toBe(
      'namespace/default\nnamespace/kube-system',
    );
  });

  it('reads lists in chunks', async () => {
    await out('create', 'namespace', 'chunks');
    for (const name of ['a', 'b', 'c']) await out('create', 'configmap', name, '-n', 'chunks');
    expect(await out('get', 'cm', '-n', 'chunks', '--chunk-size=2', '-o', 'name')).toBe(
      'configmap/a\nconfigmap/b\nconfigmap/c',
    );
    const pages = cluster.requests.filter((request) => request.url.includes('/namespaces/chunks/configmaps?'));
    expect(pages.filter((request) => request.url.includes('continue='))).toHaveLength(1);
  });

  it('creates from its own generators, which send protobuf', async () => {
    expect(await out('create', 'namespace', 'made')).toBe('namespace/made created');
    const made = (...words: string[]) => out(...words, '-n', 'made');
    expect(await made('create', 'deployment', 'd', '--image=nginx', '--replicas=3', '--port=80')).toBe(
      'deployment.apps/d created',
    );
    expect(
      await made('get', 'deploy', 'd', '-o', 'jsonpath={.spec.replicas} {.spec.template.spec.containers[0].ports[0]}'),
    ).toBe('3 {"containerPort":80,"protocol":"TCP"}');
    expect(await made('create', 'configmap', 'c', '--from-literal=k=v')).toBe('configmap/c created');
    expect(await made('create', 'secret', 'generic', 's', '--from-literal=k=v')).toBe('secret/s created');
    expect(await made('get', 'secret', 's', '-o', 'jsonpath={.type} {.data.k}')).toBe('Opaque dg==');
    expect(await made('create', 'serviceaccount', 'a')).toBe('serviceaccount/a created');
    expect(await made('create', 'service', 'clusterip', 'svc', '--tcp=80:8080')).toBe('service/svc created');
    expect(await made('get', 'svc', 'svc', '-o', 'jsonpath={.spec.ports[0].targetPort} {.spec.type}')).toBe(
      '8080 ClusterIP',
    );
    expect(await made('create', 'ingress', 'i', '--rule=a.com/b*=svc:80')).toBe('ingress.networking.k8s.io/i created');
    expect(await made('get', 'ingress')).toBe(
      'NAME   CLASS    HOSTS   ADDRESS   PORTS   AGE\ni      <none>   a.com             80      <age>',
    );
    expect(await made('create', 'job', 'j', '--image=busybox')).toBe('job.batch/j created');
    expect(await made('create', 'token', 'a')).toBe('token-of-made-a');
    expect(await made('autoscale', 'deployment', 'd', '--max=4')).toBe(
      'horizontalpodautoscaler.autoscaling/d autoscaled',
    );
    expect(await made('run', 'p', '--image=nginx')).toBe('pod/p created');
    expect(await made('expose', 'deployment', 'd', '--name=exposed', '--port=81')).toBe('service/exposed exposed');
  });

  it('describes', async () => {
    expect(await out('describe', 'vs', 'web')).toMatch(
      /^Name: {9}web\nNamespace: {4}default\nLabels: {7}<none>\nAnnotations: {2}<none>\nAPI Version: {2}networking.istio.io\/v1\nKind: {9}VirtualService\n/,
    );
    expect(await out('describe', 'deploy', 'web')).toContain(
      'Replicas:               2 desired | 0 updated | 0 total | 0 available | 0 unavailable\n',
    );
    expect(await out('describe', 'pod', 'web-0')).toContain('Status:           Pending\n');
    expect(await out('describe', 'ns', 'default')).toBe(
      'Name:         default\nLabels:       kubernetes.io/metadata.name=default\nAnnotations:  <none>\nStatus:       Active\n\n' +
        'No resource quota.\n\nNo LimitRange resource.',
    );
  });

  it('explains fields', async () => {
    expect(await out('explain', 'vs.spec.http.route.weight')).toMatch(
      /^GROUP: {6}networking\.istio\.io\nKIND: {7}VirtualService\nVERSION: {4}v1\n\nFIELD: weight <integer>/,
    );
    const container = await out('explain', 'deploy.spec.template.spec.containers');
    expect(container).toContain('FIELD: containers <[]Container>');
    expect(container).toMatch(/\n {2}name\t<string> -required-\n/);
    expect(container).toMatch(/\n {2}resources\t<ResourceRequirements>\n/);
  });

  it('lists resources and versions', async () => {
    const resources = await out('api-resources');
    expect(resources).toMatch(/^virtualservices +vs +networking\.istio\.io\/v1 +true +VirtualService$/m);
    expect(resources).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
    expect((await out('api-versions')).split('\n')).toEqual(
      expect.arrayContaining(['apps/v1', 'networking.istio.io/v1beta1', 'v1']),
    );
    expect(
      await out('get', 'crd', 'virtualservices.networking.istio.io', '-o', 'jsonpath={.spec.versions[*].name}'),
    ).toBe('v1 v1beta1 v1alpha3');
    expect(await out('wait', '--for=condition=Established', 'crd/virtualservices.networking.istio.io')).toBe(
      'customresourcedefinition.apiextensions.k8s.io/virtualservices.networking.istio.io condition met',
    );
  });

  it('reads a kind in any of its versions', async () => {
    expect(await out('get', 'virtualservices.v1beta1.networking.istio.io', 'web', '-o', 'jsonpath={.apiVersion}')).toBe(
      'networking.istio.io/v1beta1',
    );
  });

  it('asks for paths as they are', async () => {
    expect(await out('get', '--raw', '/healthz')).toBe('ok');
    expect(await out('get', '--raw', '/readyz?verbose')).toContain('[+]ping ok\n');
    expect(JSON.parse(await out('get', '--raw', '/version'))).toMatchObject({ major: '1', gitVersion: 'v1.32.0' });
    expect(await out('cluster-info')).toContain('Kubernetes control plane');
  });

  it('watches: first what is there, then what happens', async () => {
    const watching = kubectl.start(['get', 'cm', '-w', '-o', 'name', '-n', 'kube-system']);
    try {
      const metadata = { name: 'seen', namespace: 'kube-system' };
      await apply(manifest({ apiVersion: 'v1', kind: 'ConfigMap', metadata }));
      expect(await watching.printed('configmap/seen')).toBe('configmap/seen');
    } finally {
      watching.end();
    }
  });
});
