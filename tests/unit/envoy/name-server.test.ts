import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NameServer } from '../../../server/envoy/name-server.ts';

const IP = '127.9.3.1';
const known = new Map([
  ['reviews.default.svc.cluster.local', ['127.9.128.3']],
  ['many.example', Array.from({ length: 100 }, (_, i) => `127.9.4.${i}`)],
  ['none.example', []],
]);
const server = new NameServer({
  ip: IP,
  resolve: async (name) => {
    const found = known.get(name);
    if (found === undefined) throw new Error('no such name');
    return found;
  },
});
// c-ares, which Envoy has as well.
const client = new Resolver({ timeout: 1000, tries: 1 });

beforeAll(async () => client.setServers([`${IP}:${await server.start()}`]));
afterAll(() => server.stop());

it('answers with the addresses of a name', async () => {
  expect(await client.resolve4('reviews.default.svc.cluster.local', { ttl: true })).toEqual([
    { address: '127.9.128.3', ttl: 5 },
  ]);
});

it('tells as many addresses as fit into a datagram', async () => {
  const found = await client.resolve4('many.example');
  expect(found.slice(0, 3)).toEqual(['127.9.4.0', '127.9.4.1', '127.9.4.2']);
  expect(found.length).toBeGreaterThan(20);
});

it.each([
  ['a name that nobody has', 'nowhere.example', 'ENOTFOUND'],
  ['a name without addresses', 'none.example', 'ENODATA'],
])('says that there is no answer for %s', async (_case, name, code) => {
  await expect(client.resolve4(name)).rejects.toMatchObject({ code });
});

it('has no addresses of IPv6', async () => {
  await expect(client.resolve6('reviews.default.svc.cluster.local')).rejects.toMatchObject({ code: 'ENODATA' });
});
