import { describe, expect, it } from 'vitest';
import { deployment } from '../cluster.ts';
import { startServer } from './server.ts';

const server = startServer();
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const strategic = { 'content-type': 'application/strategic-merge-patch+json' };
const apply = { 'content-type': 'application/apply-patch+yaml' };

async function withDeployment(name: string, containers: readonly Record<string, unknown>[]): Promise<string> {
  const template = { metadata: { labels: { app: name } }, spec: { containers } };
  await server.call('POST', deployments, deployment(name, { template }));
  return `${deployments}/${name}`;
}

interface PodSpec {
  readonly containers: readonly { readonly name: string; readonly env?: readonly { name: string; value: string }[] }[];
  readonly volumes?: readonly Record<string, unknown>[];
}

async function patched(path: string, spec: Record<string, unknown>): Promise<PodSpec> {
  const { body, status } = await server.call('PATCH', path, { spec: { template: { spec } } }, strategic);
  expect({ status, message: body.message }).toEqual({ status: 200, message: undefined });
  return (body.spec as { template: { spec: PodSpec } }).template.spec;
}

const names = ({ containers }: PodSpec): string[] => containers.map((each) => each.name);
const image = 'nginx:1';

describe('a strategic merge patch', () => {
  it('merges lists by their merge key and puts new items first', async () => {
    const path = await withDeployment('merge', [
      { name: 'a', image, env: [{ name: 'X', value: '1' }] },
      { name: 'b', image },
    ]);
    const spec = await patched(path, {
      containers: [
        { name: 'c', image },
        { name: 'a', env: [{ name: 'Y', value: '2' }] },
      ],
    });
    expect(names(spec)).toEqual(['c', 'a', 'b']);
    expect(spec.containers[1]?.env?.map((each) => each.name)).toEqual(['Y', 'X']);
  });

  it('obeys $setElementOrder', async () => {
    const path = await withDeployment('order', [
      { name: 'a', image },
      { name: 'b', image },
    ]);
    const order = [{ name: 'b' }, { name: 'c' }, { name: 'a' }];
    expect(
      names(await patched(path, { '$setElementOrder/containers': order, containers: [{ name: 'c', image }] })),
    ).toEqual(['b', 'c', 'a']);
  });

  it('deletes and replaces with $patch', async () => {
    const path = await withDeployment('directives', [
      { name: 'a', image },
      { name: 'b', image },
    ]);
    expect(names(await patched(path, { containers: [{ name: 'a', $patch: 'delete' }] }))).toEqual(['b']);
    expect(names(await patched(path, { containers: [{ $patch: 'replace' }, { name: 'z', image }] }))).toEqual(['z']);
  });

  it('drops what $retainKeys does not name', async () => {
    const path = await withDeployment('retain', [{ name: 'a', image }]);
    const patch = { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } };
    const { body } = await server.call('PATCH', path, patch, strategic);
    expect(body.spec).toMatchObject({ strategy: { type: 'Recreate' } });
    expect((body.spec as { strategy: unknown }).strategy).toEqual({ type: 'Recreate' });
  });

  it('needs the merge key of every item', async () => {
    const path = await withDeployment('keyless', [{ name: 'a', image }]);
    const { body, status } = await server.call(
      'PATCH',
      path,
      { spec: { template: { spec: { containers: [{ image }] } } } },
      strategic,
    );
    expect({ status, message: body.message }).toEqual({
      status: 400,
      message: 'map: {"image":"nginx:1"} does not contain declared merge key: name',
    });
  });
});

describe('server-side apply', () => {
  const maps = '/api/v1/namespaces/default/configmaps';
  const map = (data: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'm' },
    data,
  });
  const as = (manager: string, data: Record<string, string>, more = '') =>
    server.call('PATCH', `${maps}/m?fieldManager=${manager}${more}`, map(data), apply);

  it('creates, shares fields with equal values, and removes a field with its last owner', async () => {
    expect((await as('one', { a: '1', b: '1' })).status).toBe(201);
    expect((await as('two', { b: '1', c: '1' })).status).toBe(200);
    expect((await as('one', { a: '1' })).body['data']).toEqual({ a: '1', b: '1', c: '1' });
    expect((await as('two', { c: '1' })).body['data']).toEqual({ a: '1', c: '1' });
  });

  it('refuses a field of another manager and says whose it is', async () => {
    const answer = await as('three', { a: '2' });
    expect(answer).toMatchObject({ status: 409, body: { reason: 'Conflict' } });
    expect(answer.body.message).toBe('Apply failed with 1 conflict: conflict with "one": .data.a');
    expect(answer.body['details']).toEqual({
      causes: [{ reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.a' }],
    });
  });

  it('takes the field when forced', async () => {
    const { body } = await as('three', { a: '2' }, '&force=true');
    expect(body['data']).toEqual({ a: '2', c: '1' });
    const owners = (body.metadata.managedFields as { manager: string; fieldsV1: unknown }[]).map(
      ({ manager, fieldsV1 }) => [manager, fieldsV1],
    );
    // The server lists them by time, whose seconds are the machine's.
    expect(owners.sort()).toEqual([
      ['three', { 'f:data': { 'f:a': {} } }],
      ['two', { 'f:data': { 'f:c': {} } }],
    ]);
  });

  it('changes neither version nor times when it changes nothing', async () => {
    const before = await server.call('GET', `${maps}/m`);
    expect((await as('three', { a: '2' }, '&force=true')).body).toEqual(before.body);
  });

  it('records other writes as updates, and takes their fields from appliers', async () => {
    const merge = { 'content-type': 'application/merge-patch+json', 'user-agent': 'tester/1.0' };
    const { body } = await server.call('PATCH', `${maps}/m`, { data: { c: '9' } }, merge);
    expect(body.metadata.managedFields).toMatchObject([
      { manager: 'three', operation: 'Apply' },
      { manager: 'tester', operation: 'Update', fieldsV1: { 'f:data': { 'f:c': {} } } },
    ]);
    const answer = await as('two', { c: '1' });
    expect(answer.body.message).toMatch(
      /^Apply failed with 1 conflict: conflict with "tester" using v1 at 20.*Z: \.data\.c$/,
    );
  });

  it('keeps an item of a keyed list while another manager has a part in it', async () => {
    const service = (ports: readonly Record<string, unknown>[]) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { ports },
    });
    const write = (manager: string, ports: readonly Record<string, unknown>[]) =>
      server.call('PATCH', `/api/v1/namespaces/default/services/s?fieldManager=${manager}`, service(ports), apply);
    const [http, https] = [
      { name: 'http', port: 80 },
      { name: 'https', port: 443 },
    ];
    expect((await write('one', [http, https])).status).toBe(201);
    expect((await write('two', [{ ...https, targetPort: 443 }])).status).toBe(200);
    const { body } = await write('one', [http]);
    expect((body.spec as { ports: { name: string }[] }).ports.map((port) => port.name)).toEqual(['http', 'https']);
    const { body: last } = await write('two', []);
    expect((last.spec as { ports: { name: string }[] }).ports.map((port) => port.name)).toEqual(['http']);
  });

  it('needs a manager, a name that fits and no managedFields', async () => {
    expect(await server.call('PATCH', `${maps}/m`, map({}), apply)).toMatchObject({
      status: 422,
      body: { reason: 'Invalid' },
    });
    expect(await server.call('PATCH', `${maps}/other?fieldManager=x`, map({}), apply)).toMatchObject({ status: 400 });
    const owned = { ...map({}), metadata: { name: 'm', managedFields: [{ manager: 'x', operation: 'Apply' }] } };
    expect(await server.call('PATCH', `${maps}/m?fieldManager=x`, owned, apply)).toMatchObject({ status: 400 });
  });
});

describe('objects of Kubernetes’ own kinds', () => {
  it('lose what a Go struct does not keep: empty lists and maps, and zeros that mean absent', async () => {
    const body = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'typed', labels: {}, finalizers: [] },
      spec: {
        hostNetwork: false,
        volumes: [{ name: 'v', emptyDir: {} }],
        containers: [{ name: 'a', image, args: [], stdin: false }],
      },
    };
    const stored = await server.call('POST', '/api/v1/namespaces/default/pods', body);
    expect(stored.body.metadata).not.toHaveProperty('labels');
    expect(stored.body.spec).not.toHaveProperty('hostNetwork');
    const spec = stored.body.spec as PodSpec;
    expect(spec.volumes).toEqual([{ name: 'v', emptyDir: {} }]);
    expect(Object.keys(spec.containers[0] ?? {})).not.toContain('args');
  });

  it('keep live items where they stand, before the next item that an apply shares with them', async () => {
    const port = (number: number) => ({ name: `p${number}`, port: number });
    const write = (manager: string, ports: readonly number[]) =>
      server.call(
        'PATCH',
        `/api/v1/namespaces/default/services/order?fieldManager=${manager}&force=true`,
        { apiVersion: 'v1', kind: 'Service', metadata: { name: 'order' }, spec: { ports: ports.map(port) } },
        apply,
      );
    await write('one', [82, 81, 80]);
    const { body } = await write('two', [80, 82]);
    expect((body.spec as { ports: { port: number }[] }).ports.map((each) => each.port)).toEqual([81, 80, 82]);
  });
});
