import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestCluster, type TestCluster } from '../support/kube-cluster/cluster.ts';
import { type Kubectl, kubectlPath, kubectlWith } from '../support/kube-cluster/kubectl.ts';
import { deploymentYaml, manifest, podYaml, virtualServiceYaml } from './kubectl/manifests.ts';

describe.skipIf(!kubectlPath)('the real kubectl is refused', () => {
  let cluster: TestCluster;
  let kubectl: Kubectl;
  const refused = async (words: readonly string[], input = ''): Promise<string> => {
    const { code, err } = await kubectl.run(words, { input });
    expect(code).toBe(1);
    return err;
  };
  const applied = (yaml: string, ...flags: string[]) => refused(['apply', '-f', '-', ...flags], yaml);

  beforeAll(async () => {
    cluster = await startTestCluster();
    kubectl = kubectlWith(cluster.kubeconfig);
    await kubectl.run(['apply', '-f', '-'], {
      input: `${deploymentYaml('web')}---${virtualServiceYaml('web')}---${podYaml('web-0')}`,
    });
  });
  afterAll(async () => {
    kubectl.dispose();
    await cluster.stop();
  });

  it.each([
    [['get', 'pod', 'nope'], 'Error from server (NotFound): pods "nope" not found'],
    [['get', 'nope'], 'error: the server doesn\'t have a resource type "nope"'],
    [['delete', 'vs', 'nope'], 'Error from server (NotFound): virtualservices.networking.istio.io "nope" not found'],
    [['create', 'namespace', 'default'], 'Error from server (AlreadyExists): namespaces "default" already exists'],
    [['create', 'cm', 'x', '-n', 'nope'], 'error: failed to create configmap: namespaces "nope" not found'],
    [
      ['get', 'pods', '--field-selector=spec.foo=x'],
      'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "", field selector "spec.foo=x": ' +
        'field label not supported: spec.foo',
    ],
    [
      ['patch', 'vs', 'web', '-p', '{"spec":{"hosts":["x"]}}'],
      'error: application/strategic-merge-patch+json is not supported by networking.istio.io/v1, Kind=VirtualService: the body of the ' +
        'request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, ' +
        'application/apply-patch+yaml',
    ],
    [
      ['patch', 'vs', 'web', '--type=json', '-p', '[{"op":"test","path":"/spec/hosts/0","value":"z"}]'],
      'The request is invalid: the server rejected our request due to an error in our request',
    ],
    [
      ['create', 'deployment', 'Bad', '--image=x'],
      'error: failed to create deployment: Deployment.apps "Bad" is invalid: metadata.name: Invalid value: "Bad": a lowercase RFC 1123 ' +
        "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric " +
        "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    ],
    [
      ['patch', 'deploy', 'web', '-p', '{"spec":{"selector":{"matchLabels":{"app":"other"}}}}'],
      'The Deployment "web" is invalid:',
    ],
    [['logs', 'web-0', '-c', 'nope'], 'error: container nope is not valid for pod web-0'],
    [['top', 'pods'], 'error: Metrics API not available'],
    [
      ['get', 'pods', '-l', 'a b'],
      'Error from server (BadRequest): Unable to find "/v1, Resource=pods" that match label selector "a b", field selector "":',
    ],
  ])('kubectl %j', async (words, message) => {
    expect(await refused(words)).toContain(message);
  });

  it('for a field that the kind does not have', async () => {
    expect(await applied(virtualServiceYaml('typo').replace('http:', 'htpp:'))).toBe(
      'Error from server (BadRequest): error when creating "STDIN": VirtualService in version "v1" cannot be handled as a VirtualService: ' +
        'strict decoding error: unknown field "spec.htpp"',
    );
    expect(await applied(deploymentYaml('typo').replace('replicas:', 'replica:'))).toBe(
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: strict ' +
        'decoding error: unknown field "spec.replica"',
    );
  });

  it('warns of such a field when asked to, and drops it', async () => {
    const { code, err, out } = await kubectl.run(['apply', '-f', '-', '--validate=warn'], {
      input: deploymentYaml('warned').replace('replicas:', 'replica:'),
    });
    expect({ code, err, out }).toEqual({
      code: 0,
      err: 'Warning: unknown field "spec.replica"',
      out: 'deployment.apps/warned created',
    });
    expect((await kubectl.run(['get', 'deploy', 'warned', '-o', 'jsonpath={.spec.replica}{.spec.replicas}'])).out).toBe(
      '1',
    );
  });

  it('for a value of the wrong type', async () => {
    expect(await applied(deploymentYaml('typed').replace('replicas: 2', 'replicas: two'))).toBe(
      'Error from server (BadRequest): error when creating "STDIN": Deployment in version "v1" cannot be handled as a Deployment: json: ' +
        'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    );
    const error = await applied(virtualServiceYaml('typed').replace('hosts: [typed]', 'hosts: typed'));
    expect(error).toContain(
      'The VirtualService "typed" is invalid: spec.hosts: Invalid value: "string": spec.hosts in body must be of type array: "string"',
    );
  });

  it('by Istio’s webhook', async () => {
    const yaml = virtualServiceYaml('weights').replace('{destination', '{weight: -1, destination');
    expect(await applied(yaml)).toMatch(
      /^Error from server: error when creating "STDIN": admission webhook "validation\.istio\.io" denied the request: configuration is invalid: /,
    );
  });

  it('for a kind that is not served', async () => {
    expect(await applied(manifest({ apiVersion: 'apps/v2', kind: 'Deployment', metadata: { name: 'x' } }))).toBe(
      'error: resource mapping not found for name: "x" namespace: "" from "STDIN": no matches for kind "Deployment" in version ' +
        '"apps/v2"\nensure CRDs are installed first',
    );
  });

  it('for several causes, each on a line', async () => {
    const spec = { ports: [{ port: 80 }, { port: 70_000 }] };
    expect(await applied(manifest({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's' }, spec }))).toBe(
      'The Service "s" is invalid:\n* spec.ports[0].name: Required value\n* spec.ports[1].name: Required value\n' +
        '* spec.ports[1].port: Invalid value: 70000: must be between 1 and 65535, inclusive\n' +
        '* spec.ports[1].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive',
    );
  });

  it('for a state that has changed meanwhile', async () => {
    const yaml = virtualServiceYaml('web').replace('{name: web}', '{name: web, resourceVersion: "1"}');
    expect(await refused(['replace', '-f', '-'], yaml)).toBe(
      'Error from server (Conflict): error when replacing "STDIN": Operation cannot be fulfilled on virtualservices.networking.istio.io ' +
        '"web": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it('for a change of a field that is immutable', async () => {
    const error = await applied(deploymentYaml('web').replaceAll('app: web}}', 'app: other}}'));
    expect(error).toMatch(
      /^The Deployment "web" is invalid: ?\n?.*spec\.selector: Invalid value: .*: field is immutable/s,
    );
  });

  it('for a manifest beyond an object’s limit', async () => {
    const data = { x: 'y'.repeat(4_000_000) };
    const big = manifest({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'big' }, data });
    expect(await refused(['create', '-f', '-'], big)).toContain('Request entity too large: limit is 3145728');
  });
});
