import { describe, expect, it } from 'vitest';
import { change, configMap } from '../cluster.ts';
import { startServer, watchEvents } from './server.ts';

const server = startServer();
const maps = '/api/v1/namespaces/default/configmaps';
const brief = ({ object, type }: { type: string; object: { metadata: { name?: string } } }) =>
  `${type} ${object.metadata.name}`;

describe('lists and watches', () => {
  it('list at the version that they were begun with, chunk by chunk', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.store.create(configMap(name), change);
    const first = await server.call('GET', `${maps}?limit=2`);
    expect(first.body.items.map((each) => each.metadata.name)).toEqual(['a', 'b']);
    const metadata = first.body.metadata as unknown as { continue: string; remainingItemCount: number };
    expect(metadata.remainingItemCount).toBe(3);
    server.store.delete('ConfigMap', { namespace: 'default', name: 'c' }, change);
    server.store.create(configMap('bb'), change);
    const rest = await server.call('GET', `${maps}?limit=10&continue=${metadata.continue}`);
    expect(rest.body.items.map((each) => each.metadata.name)).toEqual(['c', 'd', 'e']);
    expect(rest.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
  });

  it('list exactly an earlier version when asked to', async () => {
    const before = server.store.resourceVersion();
    const count = server.store.list('ConfigMap').length;
    server.store.create(configMap('later'), change);
    const exact = await server.call('GET', `${maps}?resourceVersion=${before}&resourceVersionMatch=Exact`);
    expect(exact.body.items).toHaveLength(count);
    const newest = await server.call('GET', `${maps}?resourceVersion=${before}`);
    expect(newest.body.items).toHaveLength(count + 1);
  });

  it.each([
    ['?resourceVersion=999999999', 504, 'Timeout', 'Too large resource version: 999999999'],
    ['?resourceVersion=abc', 400, 'BadRequest', 'invalid syntax'],
    ['?continue=nonsense', 400, 'BadRequest', 'continue key is not valid'],
    [
      '?resourceVersionMatch=Exact',
      400,
      'BadRequest',
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    ],
    ['?resourceVersion=1&resourceVersionMatch=Exact', 410, 'Expired', 'too old'],
    ['?labelSelector=a%20b', 400, 'BadRequest', 'unable to parse requirement'],
    ['?limit=x', 400, 'BadRequest', 'invalid syntax'],
    ['?watch=true&sendInitialEvents=true', 422, 'Invalid', 'sendInitialEvents requires setting resourceVersionMatch'],
  ])('refuse %s', async (query, status, reason, message) => {
    const answer = await server.call('GET', maps + query);
    expect(answer).toMatchObject({ status, body: { kind: 'Status', reason, code: status } });
    expect(answer.body.message).toContain(message);
  });

  it('watch what is there first, when no version is named', async () => {
    const names = server.store.list('ConfigMap').map((each) => `ADDED ${each.metadata.name}`);
    const events = await watchEvents(`${server.url}${maps}?watch=true`, names.length);
    expect(events.map(brief)).toEqual(names);
  });

  it('replay what happened after a version', async () => {
    const version = server.store.resourceVersion();
    server.store.create(configMap('w'), change);
    server.store.patch('ConfigMap', { namespace: 'default', name: 'w' }, { data: { x: 'y' } }, change);
    server.store.delete('ConfigMap', { namespace: 'default', name: 'w' }, change);
    const events = await watchEvents(`${server.url}${maps}?watch=1&resourceVersion=${version}`, 3);
    expect(events.map(brief)).toEqual(['ADDED w', 'MODIFIED w', 'DELETED w']);
    const versions = events.map((event) => Number(event.object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
  });

  it('tell of objects that begin and cease to match a selector', async () => {
    const version = server.store.resourceVersion();
    const name = { namespace: 'default', name: 's' };
    server.store.create(configMap('s'), change);
    server.store.patch('ConfigMap', name, { metadata: { labels: { on: 'yes' } } }, change);
    server.store.patch('ConfigMap', name, { data: { x: 'y' } }, change);
    server.store.patch('ConfigMap', name, { metadata: { labels: { on: null } } }, change);
    const events = await watchEvents(`${server.url}${maps}?watch=1&labelSelector=on&resourceVersion=${version}`, 3);
    expect(events.map(brief)).toEqual(['ADDED s', 'MODIFIED s', 'DELETED s']);
    expect(events.at(-1)?.object.metadata.labels).toEqual({ on: 'yes' });
  });

  it('mark the end of the objects that were there, for clients that ask', async () => {
    const query =
      'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&fieldSelector=metadata.name=a';
    const events = await watchEvents(`${server.url}${maps}?${query}`, 2);
    expect(events[0]?.object.metadata.name).toBe('a');
    expect(events[1]).toMatchObject({
      type: 'BOOKMARK',
      object: { kind: 'ConfigMap', metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  });

  it('end a watch from a forgotten version with one Status of 410', async () => {
    const events = await watchEvents(`${server.url}${maps}?watch=1&resourceVersion=1`, 5);
    expect(events).toMatchObject([{ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } }]);
  });

  it('end a watch after its time', async () => {
    const version = server.store.resourceVersion();
    expect(await watchEvents(`${server.url}${maps}?watch=1&timeoutSeconds=1&resourceVersion=${version}`, 5)).toEqual(
      [],
    );
  });

  it('send tables, with the columns once', async () => {
    const controller = new AbortController();
    const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io';
    const response = await fetch(`${server.url}${maps}?watch=1&limit=2`, {
      headers: { accept },
      signal: controller.signal,
    });
    let text = '';
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += Buffer.from(chunk).toString();
      if (text.split('\n').length > 2) break;
    }
    controller.abort();
    const [first, second] = text.split('\n').map((line) => JSON.parse(line || 'null'));
    expect(first.object).toMatchObject({
      kind: 'Table',
      columnDefinitions: [{ name: 'Name', format: 'name' }, {}, {}],
    });
    expect(second.object.columnDefinitions).toBeNull();
    expect(second.object.rows[0].object.kind).toBe('PartialObjectMetadata');
  });

  it('watch one object by its own path', async () => {
    const events = await watchEvents(`${server.url}${maps}/a?watch=true`, 1);
    expect(events.map(brief)).toEqual(['ADDED a']);
  });

  it('cut off a client that does not read, and go on serving', async () => {
    const controller = new AbortController();
    const response = await fetch(`${server.url}${maps}?watch=1`, { signal: controller.signal });
    const data = { x: 'y'.repeat(100_000) };
    const ended = (async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (let round = 0; round < 400; round++) {
        server.store.patch(
          'ConfigMap',
          { namespace: 'default', name: 'a' },
          { data: { ...data, round: String(round) } },
          change,
        );
        if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await ended;
    const drained = (async () => {
      let bytes = 0;
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) bytes += chunk.length;
      return bytes;
    })();
    await expect(drained).rejects.toThrow();
    expect((await server.call('GET', `${maps}/b`)).status).toBe(200);
    controller.abort();
  });
});
