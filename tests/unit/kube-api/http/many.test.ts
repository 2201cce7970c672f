import { describe, expect, it } from 'vitest';
import { change, configMap } from '../cluster.ts';
import { startServer, watchEvents } from './server.ts';

const OBJECTS = 10_000;
const server = startServer();
const maps = '/api/v1/namespaces/default/configmaps';

describe('ten thousand objects', () => {
  it('are stored, listed, listed in chunks, watched and deleted together', async () => {
    for (let index = 0; index < OBJECTS; index++) {
      server.store.create(configMap(`m-${String(index).padStart(5, '0')}`, { index: String(index) }), change);
    }
    expect((await server.call('GET', maps)).body.items).toHaveLength(OBJECTS);
    let seen = 0;
    let token = '';
    do {
      const { body } = await server.call('GET', `${maps}?limit=2500&continue=${token}`);
      seen += body.items.length;
      token = (body.metadata as { continue?: string }).continue ?? '';
    } while (token !== '');
    expect(seen).toBe(OBJECTS);
    expect(await watchEvents(`${server.url}${maps}?watch=1`, OBJECTS)).toHaveLength(OBJECTS);
    expect((await server.call('DELETE', `${maps}?fieldSelector=metadata.name!=m-00000`)).status).toBe(200);
    expect((await server.call('GET', maps)).body.items.map((each) => each.metadata.name)).toEqual(['m-00000']);
  }, 60_000);
});
