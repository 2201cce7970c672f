import { describe, expect, it } from 'vitest';
import type { KubeObject } from '#domain';
import { change, configMap, deployment } from '../cluster.ts';
import { startServer } from './server.ts';

const changes: string[] = [];
const server = startServer({
  authenticate: (token) => ({ username: token, groups: token === 'root' ? ['system:masters'] : [] }),
  mutate: (object) =>
    object.kind === 'Pod'
      ? { ...object, metadata: { ...object.metadata, labels: { ...object.metadata.labels, injected: 'yes' } } }
      : object,
  newChangeId: ({ command = '', user, verb }) => {
    changes.push(`${user} ${verb} ${command}`);
    return `c${changes.length}`;
  },
});
const root = { authorization: 'Bearer root' };
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  server.call(method, path, body, { ...root, ...headers });
const pod = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'app', image: 'nginx' }] },
});

describe('discovery', () => {
  const accept = (version: string) =>
    `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;

  it.each(['v2', 'v2beta1'])('is aggregated for clients that ask for %s', async (version) => {
    const { body, headers } = await call('GET', '/apis', undefined, { accept: accept(version) });
    expect(headers.get('content-type')).toBe(
      `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
    );
    expect(body).toMatchObject({ kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}` });
    const apps = body.items.find((each) => each.metadata.name === 'apps');
    expect(apps).toMatchObject({ versions: [{ version: 'v1', freshness: 'Current' }] });
  });

  it('is a tree of documents for others, with custom groups behind Kubernetes’ own', async () => {
    const { body } = await call('GET', '/apis');
    const groups = (body['groups'] as { name: string }[]).map((group) => group.name);
    expect(groups.indexOf('apps')).toBeLessThan(groups.indexOf('networking.istio.io'));
    const list = await call('GET', '/apis/apps/v1');
    expect(list.body['resources']).toContainEqual({
      name: 'deployments/scale',
      singularName: '',
      namespaced: true,
      kind: 'Scale',
      group: 'autoscaling',
      version: 'v1',
      verbs: ['get', 'patch', 'update'],
    });
  });

  it('gives OpenAPI documents under addresses that name their content', async () => {
    const { body } = await call('GET', '/openapi/v3');
    const { serverRelativeURL } = (body['paths'] as Record<string, { serverRelativeURL: string }>)['apis/apps/v1'] ?? {
      serverRelativeURL: '',
    };
    expect(serverRelativeURL).toMatch(/^\/openapi\/v3\/apis\/apps\/v1\?hash=[0-9A-F]{64}$/);
    const document = await call('GET', serverRelativeURL);
    expect(document.headers.get('cache-control')).toBe('public, immutable');
    const { schemas } = document.body['components'] as { schemas: Record<string, unknown> };
    const references = new Set(
      [...JSON.stringify(document.body).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((each) => each[1]),
    );
    expect([...references].filter((name) => !(String(name) in schemas))).toEqual([]);
    expect(schemas['io.k8s.api.apps.v1.Deployment']).toMatchObject({
      'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
    });
  });
});

describe('access', () => {
  it('is refused to tokens that prove nothing and to strangers', async () => {
    expect(await server.call('GET', '/api/v1/pods', undefined, { authorization: 'Basic x' })).toMatchObject({
      status: 401,
    });
    const anonymous = await server.call('GET', '/api/v1/pods');
    expect(anonymous).toMatchObject({ status: 403, body: { reason: 'Forbidden' } });
    expect(anonymous.body.message).toBe(
      'pods is forbidden: User "system:anonymous" cannot list resource "pods" in API group "" at the cluster scope',
    );
    expect((await server.call('GET', '/healthz')).status).toBe(200);
    expect((await server.call('GET', '/apis', undefined, { authorization: 'Bearer bob' })).status).toBe(200);
  });

  it('follows roles down to names and subresources', async () => {
    const group = '/apis/rbac.authorization.k8s.io/v1';
    const rules = [
      { apiGroups: [''], resources: ['configmaps'], resourceNames: ['one'], verbs: ['get'] },
      { apiGroups: ['apps'], resources: ['*/scale'], verbs: ['update'] },
    ];
    await call('POST', `${group}/namespaces/default/roles`, { metadata: { name: 'r' }, rules });
    const subjects = [{ kind: 'User', name: 'bob' }];
    await call('POST', `${group}/namespaces/default/rolebindings`, {
      metadata: { name: 'b' },
      subjects,
      roleRef: { kind: 'Role', name: 'r' },
    });
    const allowed = async (attributes: Record<string, string>): Promise<boolean> => {
      const spec = { user: 'bob', resourceAttributes: { namespace: 'default', ...attributes } };
      const { body } = await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { spec });
      return (body.status as { allowed: boolean }).allowed;
    };
    expect(await allowed({ verb: 'get', resource: 'configmaps', name: 'one' })).toBe(true);
    expect(await allowed({ verb: 'get', resource: 'configmaps', name: 'two' })).toBe(false);
    expect(await allowed({ verb: 'list', resource: 'configmaps' })).toBe(false);
    expect(await allowed({ verb: 'update', group: 'apps', resource: 'deployments', subresource: 'scale' })).toBe(true);
    expect(await allowed({ verb: 'update', group: 'apps', resource: 'deployments' })).toBe(false);
    expect(await allowed({ verb: 'get', resource: 'configmaps', name: 'one', namespace: 'kube-system' })).toBe(false);
  });
});

describe('writes', () => {
  const pods = '/api/v1/namespaces/default/pods';

  it('pass the mutation, and carry a change with its verb and command', async () => {
    const { body } = await call('POST', pods, pod('a'), { 'kubectl-command': 'kubectl apply' });
    expect(body.metadata.labels).toEqual({ injected: 'yes' });
    expect(changes.at(-1)).toBe('root create kubectl apply');
  });

  it('complete a generated name', async () => {
    const { body } = await call('POST', pods, { ...pod(''), metadata: { generateName: 'web-' } });
    expect(body.metadata.name).toMatch(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  });

  it('keep nothing of a dry run', async () => {
    const before = server.store.resourceVersion();
    expect(await call('POST', `${pods}?dryRun=All`, pod('dry'))).toMatchObject({ status: 201, body: { kind: 'Pod' } });
    expect(
      await call('DELETE', `${pods}/a`, { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['All'] }),
    ).toMatchObject({ status: 200 });
    expect(server.store.resourceVersion()).toBe(before);
  });

  it('delete only the object that the preconditions mean', async () => {
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', preconditions: { uid: 'other' } };
    const { body, status } = await call('DELETE', `${pods}/a`, options);
    expect(status).toBe(409);
    expect(body.message).toMatch(
      /^Operation cannot be fulfilled on pods "a": Precondition failed: UID in precondition: other, UID in object meta: /,
    );
    expect(await call('DELETE', `${pods}/a`)).toMatchObject({
      status: 200,
      body: { kind: 'Status', status: 'Success' },
    });
  });

  it('leave the spec of a pod that a node has', async () => {
    await call('POST', pods, {
      ...pod('placed'),
      spec: { nodeName: 'n', containers: [{ name: 'app', image: 'nginx' }] },
    });
    const merge = { 'content-type': 'application/strategic-merge-patch+json' };
    const image = { spec: { containers: [{ name: 'app', image: 'nginx:2' }] } };
    expect((await call('PATCH', `${pods}/placed`, image, merge)).status).toBe(200);
    const { body, status } = await call('PATCH', `${pods}/placed`, { spec: { hostNetwork: true } }, merge);
    expect(status).toBe(422);
    expect(body.message).toContain('spec: Forbidden: pod updates may not change fields other than');
  });

  it('reach the status by its own path only', async () => {
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    await call('POST', deployments, deployment('d'));
    const merge = { 'content-type': 'application/merge-patch+json' };
    const both = { spec: { replicas: 3 }, status: { replicas: 3 } };
    expect((await call('PATCH', `${deployments}/d`, both, merge)).body).toMatchObject({
      spec: { replicas: 3 },
      status: {},
    });
    const status = await call(
      'PATCH',
      `${deployments}/d/status`,
      { spec: { replicas: 9 }, status: { replicas: 2 } },
      merge,
    );
    expect(status.body).toMatchObject({ spec: { replicas: 3 }, status: { replicas: 2 } });
    const scale = { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata: { name: 'd' }, spec: { replicas: 5 } };
    expect((await call('PUT', `${deployments}/d/scale`, scale)).body).toMatchObject({
      kind: 'Scale',
      spec: { replicas: 5 },
      status: { selector: 'app=d' },
    });
    const negative = await call('PATCH', `${deployments}/d/scale`, { spec: { replicas: -1 } }, merge);
    expect(negative).toMatchObject({ status: 422, body: { reason: 'Invalid' } });
  });

  it('neither add nor remove definitions of custom resources', async () => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    const name = 'virtualservices.networking.istio.io';
    expect((await call('GET', `${path}/${name}`)).body).toMatchObject({
      spec: { group: 'networking.istio.io', names: { shortNames: ['vs'] } },
    });
    const other = await call('POST', path, { metadata: { name: 'things.example.com' }, spec: {} });
    expect(other.body.message).toBe(
      'customresourcedefinitions.apiextensions.k8s.io "things.example.com" is forbidden: this cluster serves a fixed set of custom resources',
    );
    expect((await call('DELETE', `${path}/${name}`)).status).toBe(403);
  });
});

describe('views', () => {
  it('show events in both groups', async () => {
    const event = {
      regarding: { kind: 'Pod', name: 'a', namespace: 'default' },
      reason: 'Tested',
      note: 'it was tested',
      type: 'Normal',
      metadata: { name: 'e' },
    };
    expect((await call('POST', '/apis/events.k8s.io/v1/namespaces/default/events', event)).status).toBe(201);
    const core = await call('GET', '/api/v1/namespaces/default/events/e');
    expect(core.body).toMatchObject({ apiVersion: 'v1', involvedObject: { name: 'a' }, message: 'it was tested' });
    const selected = await call(
      'GET',
      '/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=a,reason!=Other',
    );
    expect(selected.body.items).toHaveLength(1);
    const newer = await call('GET', '/apis/events.k8s.io/v1/namespaces/default/events');
    expect(newer.body).toMatchObject({
      kind: 'EventList',
      apiVersion: 'events.k8s.io/v1',
      items: [{ note: 'it was tested' }],
    });
  });

  it('show autoscalers in both versions', async () => {
    const spec = {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
      maxReplicas: 3,
      targetCPUUtilizationPercentage: 70,
    };
    const path = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;
    expect((await call('POST', path('v1'), { metadata: { name: 'h' }, spec })).status).toBe(201);
    const newer = await call('GET', `${path('v2')}/h`);
    expect(newer.body.spec).toMatchObject({
      metrics: [{ resource: { name: 'cpu', target: { averageUtilization: 70 } } }],
    });
    expect((await call('GET', `${path('v1')}/h`)).body.spec).toEqual({ ...spec, minReplicas: 1 });
  });

  it('show metadata alone to clients that want no more', async () => {
    server.store.create(configMap('meta', { x: 'y' }), change);
    const accept = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
    const { body } = await call('GET', '/api/v1/namespaces/default/configmaps', undefined, { accept });
    expect(body).toMatchObject({ kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' });
    expect(body.items.every((each) => each['data'] === undefined)).toBe(true);
  });

  it('are stored with a warning in the words of Istio’s webhook', async () => {
    const route = [{ destination: { host: 'web' } }];
    const spec = { hosts: ['web'], http: [{ route }, { match: [{ uri: { prefix: '/a' } }], route }, { route }] };
    const path = '/apis/networking.istio.io/v1/namespaces/default/virtualservices?dryRun=All';
    const { status, headers } = await call('POST', path, { metadata: { name: 'web' }, spec });
    expect(status).toBe(201);
    expect(headers.get('warning')).toContain(
      '"virtualService rule #1 not used (route without matches defined before)"',
    );
    expect(headers.get('warning')).toContain(
      '"virtualService rule #2 not used (only the last rule can have no matches)"',
    );
  });
});
