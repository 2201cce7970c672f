import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { startHosts, type TestHosts } from './support/pairs/hosts.ts';
import { cases } from './support/walks/routes.ts';
import { walk } from './support/walks/walk.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

const drawn = cases('routes', 40);
let hosts: TestHosts;
let sides: [WalkedProxy, WalkedProxy];
let release: () => Promise<void>;

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`walks/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  hosts = await startHosts(lease.subnet);
  const given = { cases: drawn, hosts: hosts.at };
  sides = [
    await startWalkedEnvoy({ ...given, ip: `127.${lease.subnet}.1.1` }),
    await startWalkedProxy({ ...given, ip: `127.${lease.subnet}.1.2` }),
  ];
});

afterAll(async () => {
  await Promise.all((sides ?? []).map((side) => side.stop()));
  await hosts?.stop();
  await release?.();
});

it('tables of routes that a seed draws are refused alike, and serve requests alike', async () => {
  // Not all may be refused: then nothing would be compared.
  expect((await sides[0].refused()).size).toBeLessThan(drawn.length * 0.75);
  expect(await walk(sides, drawn, hosts)).toEqual([]);
}, 120_000);
