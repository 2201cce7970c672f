import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configMap } from '../cluster.ts';
import { startServer } from './server.ts';

const server = startServer();
const maps = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };
const merge = { 'content-type': 'application/merge-patch+json' };

describe('input that is wrong', () => {
  it.each([
    ['GET', '/nope', 404, '', ''],
    ['GET', '/apis/nope.example.com/v1/things', 404, '', ''],
    ['GET', '/api/v1/nopes', 404, 'NotFound', 'the server could not find the requested resource'],
    ['GET', '/apis/apps/v9/deployments', 404, '', ''],
    ['GET', '/api/v1/pods/x', 404, 'NotFound', 'the server could not find the requested resource'],
    ['GET', `${maps}/a/nope`, 404, 'NotFound', 'the server could not find the requested resource'],
    ['PUT', maps, 405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    ['POST', `${maps}/a`, 405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    [
      'POST',
      '/api/v1/configmaps',
      405,
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    ],
    ['GET', '/api/v1/namespaces/%zz/configmaps', 400, 'BadRequest', 'invalid URL escape'],
    ['GET', '/api/v1/namespaces/default/pods/x/exec', 400, 'BadRequest', 'Upgrade request required'],
    ['DELETE', `${maps}/nope`, 404, 'NotFound', 'configmaps "nope" not found'],
    ['GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 405, 'MethodNotAllowed', ''],
  ])('%s %s is answered with %i %s', async (method, path, status, reason, message) => {
    const answer = await server.call(method, path, method === 'GET' ? undefined : {});
    expect(answer.status).toBe(status);
    if (reason !== '') expect(answer.body).toMatchObject({ kind: 'Status', status: 'Failure', reason, code: status });
    expect(answer.body.message).toContain(message);
  });

  it.each([
    ['no JSON', '{"a":', json, 400, 'json parse error'],
    ['nothing', '', json, 400, 'EOF'],
    ['a list', '[]', json, 400, 'json parse error'],
    [
      'another content type',
      '{}',
      { 'content-type': 'text/html' },
      415,
      'the body of the request was in an unknown format',
    ],
    ['broken YAML', 'a: [', { 'content-type': 'application/yaml' }, 400, 'error converting YAML to JSON'],
    [
      'broken protobuf',
      'k8s\0\xff\xff\xff',
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
      400,
      'no valid protobuf',
    ],
    [
      'bytes that are no protobuf',
      'x',
      { 'content-type': 'application/vnd.kubernetes.protobuf' },
      400,
      'expected prefix',
    ],
    [
      'a kind of another URL',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"}}',
      json,
      400,
      'cannot be handled as a ConfigMap',
    ],
    [
      'another version',
      '{"apiVersion":"v2","kind":"ConfigMap","metadata":{"name":"a"}}',
      json,
      400,
      'does not match the expected API version',
    ],
    ['another namespace', '{"metadata":{"name":"a","namespace":"x"}}', json, 400, 'does not match the namespace'],
    ['a name that is none', '{"metadata":{"name":3}}', json, 400, 'metadata.name must be a string'],
    ['metadata that is none', '{"metadata":[]}', json, 400, 'metadata must be an object'],
    ['no name', '{"metadata":{}}', json, 422, 'metadata.name: Required value: name or generateName is required'],
    [
      'JSON nested too deeply',
      `{"data":${'['.repeat(200_000)}${']'.repeat(200_000)}}`,
      json,
      400,
      'exceeded max depth',
    ],
    [
      'YAML nested too deeply',
      `data: ${'['.repeat(20_000)}`,
      { 'content-type': 'application/yaml' },
      400,
      'exceeded max depth',
    ],
  ])('a body that is %s is refused', async (_what, body, headers, status, message) => {
    const answer = await server.send('POST', maps, body, headers);
    expect(answer).toMatchObject({ status, body: { kind: 'Status', code: status } });
    expect(answer.body.message).toContain(message);
  });

  it('aliases that multiply are refused', async () => {
    const levels = 'abcdefghi'.split('');
    const lines = levels.map((name, index) => {
      const below = levels[index - 1];
      return `${name}: &${name} [${Array.from({ length: 9 }, () => (below ? `*${below}` : '"x"')).join(',')}]`;
    });
    const answer = await server.send('POST', maps, lines.join('\n'), { 'content-type': 'application/yaml' });
    expect(answer).toMatchObject({ status: 400, body: { reason: 'BadRequest' } });
  });

  it('a body of 4 MB is too large', async () => {
    const answer = await server.call('POST', maps, configMap('big', { x: 'y'.repeat(4_000_000) }));
    expect(answer).toMatchObject({
      status: 413,
      body: { reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 3145728' },
    });
  });

  it('an unknown query value is refused', async () => {
    expect(await server.call('POST', `${maps}?fieldValidation=Maybe`, configMap('q'))).toMatchObject({ status: 422 });
    expect(await server.call('POST', `${maps}?dryRun=Some`, configMap('q'))).toMatchObject({ status: 422 });
  });

  it('a client that takes nothing of ours is told what there is', async () => {
    const answer = await server.call('GET', maps, undefined, { accept: 'image/png' });
    expect(answer).toMatchObject({ status: 406, body: { reason: 'NotAcceptable' } });
  });

  it('a patch that is none leaves the object as it was', async () => {
    await server.call('POST', maps, configMap('p', { x: '1' }));
    const patches: [string, Record<string, string>, number][] = [
      ['[', merge, 400],
      ['[]', merge, 400],
      ['{}', { 'content-type': 'application/json-patch+json' }, 400],
      ['[{"op":"explode"}]', { 'content-type': 'application/json-patch+json' }, 422],
      ['[{"op":"remove","path":"/data/nope"}]', { 'content-type': 'application/json-patch+json' }, 422],
      ['[{"op":"move","from":"/data","path":"/data/x"}]', { 'content-type': 'application/json-patch+json' }, 422],
      ['{"metadata":{"name":"other"}}', merge, 400],
      ['{"kind":"Pod"}', merge, 400],
      ['{"data":{"$patch":"explode"}}', { 'content-type': 'application/strategic-merge-patch+json' }, 400],
      ['{}', { 'content-type': 'application/json' }, 415],
      ['apiVersion: v1', { 'content-type': 'application/apply-patch+yaml' }, 422],
    ];
    for (const [body, headers, status] of patches) {
      expect(await server.send('PATCH', `${maps}/p`, body, headers)).toMatchObject({
        status,
        body: { kind: 'Status' },
      });
    }
    expect((await server.call('GET', `${maps}/p`)).body['data']).toEqual({ x: '1' });
  });

  it('`__proto__` is a key like any other', async () => {
    const answer = await server.send('POST', maps, '{"metadata":{"name":"proto"},"data":{"__proto__":"x"}}', json);
    expect([201, 400, 422]).toContain(answer.status);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
    const patched = await server.send('PATCH', `${maps}/p`, '{"__proto__":{"polluted":"yes"}}', merge);
    expect(patched.status).toBeLessThan(500);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('no body, type or path makes the server fail or the store lose its order', async () => {
    const types = [
      'application/json',
      'application/yaml',
      'application/vnd.kubernetes.protobuf',
      'application/merge-patch+json',
    ];
    const more = [
      'application/json-patch+json',
      'application/strategic-merge-patch+json',
      'application/apply-patch+yaml',
    ];
    const paths = [
      maps,
      `${maps}/p`,
      `${maps}/p/status`,
      '/apis/apps/v1/namespaces/default/deployments',
      '/api/v1/namespaces/default/pods/p/log',
    ];
    const body = fc.oneof(
      fc.json({ maxDepth: 5 }),
      fc.string(),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => `k8s\0${Buffer.from(bytes).toString('latin1')}`),
      fc
        .jsonValue()
        .map((value) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: value, data: value })),
      fc
        .jsonValue()
        .map((value) =>
          JSON.stringify({ metadata: { name: 'p', labels: value, ownerReferences: value, managedFields: value } }),
        ),
      fc.jsonValue().map((value) => JSON.stringify([{ op: 'add', path: '/data/x', value }])),
      fc.jsonValue().map((value) => JSON.stringify({ spec: value, data: { $patch: value } })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('POST', 'PUT', 'PATCH', 'DELETE', 'GET'),
        fc.constantFrom(...paths),
        fc.constantFrom(...types, ...more),
        body,
        async (method, path, type, text) => {
          const query = type.includes('apply') ? '?fieldManager=fuzz' : '?dryRun=All';
          const answer = await server.send(method, path + query, text, { 'content-type': type });
          expect({ status: answer.status, message: answer.body.message, text, type, method }).not.toMatchObject({
            status: 500,
          });
        },
      ),
      { numRuns: 300 },
    );
    const versions = server.store.list('ConfigMap').map((each) => Number(each.metadata.resourceVersion));
    expect(versions.every((version) => version <= Number(server.store.resourceVersion()))).toBe(true);
    expect((await server.call('GET', '/healthz')).body.message).toBe('ok');
  });
});
