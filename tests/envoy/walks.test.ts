import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { startHosts, type TestHosts } from './support/pairs/hosts.ts';
import { cases as hashingClusters } from './support/walks/balancers.ts';
import { cases as filtersOfAllKinds } from './support/walks/filters.ts';
import { movingCases } from './support/walks/moving.ts';
import { walkOnMoves } from './support/walks/moving-walk.ts';
import { cases as ejectingClusters } from './support/walks/outliers.ts';
import { cases as tablesOfRoutes } from './support/walks/routes.ts';
import { cases as rulesForTokens } from './support/walks/tokens.ts';
import { walk } from './support/walks/walk.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

let hosts: TestHosts;
let subnet: number;
let release: () => Promise<void>;

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`walks/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  subnet = lease.subnet;
  hosts = await startHosts(subnet);
});

afterAll(async () => {
  await hosts?.stop();
  await release?.();
});

describe('clusters whose hosts a seed moves', () => {
  const drawn = movingCases('moving', 30);
  let sides: [WalkedProxy, WalkedProxy];

  beforeAll(async () => {
    const given = { cases: drawn.map((each) => each.given), hosts: hosts.at };
    sides = [
      await startWalkedEnvoy({ ...given, ip: `127.${subnet}.1.1` }),
      await startWalkedProxy({ ...given, ip: `127.${subnet}.1.2` }),
    ];
  });

  afterAll(async () => {
    await Promise.all((sides ?? []).map((side) => side.stop()));
  });

  it('have the same hosts in the same order after each move, and requests reach them alike', async () => {
    for (const side of sides) expect([...(await side.refused())]).toEqual([]);
    expect(await walkOnMoves(sides, drawn, hosts)).toEqual([]);
  }, 120_000);
});

describe.each([
  ['tables of routes', tablesOfRoutes('routes', 40)],
  ['filters of all kinds', filtersOfAllKinds('filters', 40)],
  ['rules for tokens', rulesForTokens('tokens', 40)],
  ['clusters whose balancer hashes', hashingClusters('balancers', 60)],
  ['clusters that eject hosts', ejectingClusters('outliers', 40)],
])('%s that a seed draws', (_what, drawn) => {
  let sides: [WalkedProxy, WalkedProxy];

  beforeAll(async () => {
    const given = { cases: drawn, hosts: hosts.at };
    sides = [
      await startWalkedEnvoy({ ...given, ip: `127.${subnet}.1.1` }),
      await startWalkedProxy({ ...given, ip: `127.${subnet}.1.2` }),
    ];
  });

  afterAll(async () => {
    await Promise.all((sides ?? []).map((side) => side.stop()));
  });

  it('are refused alike, and serve requests alike', async () => {
    // Not all may be refused: then nothing would be compared.
    expect((await sides[0].refused()).size).toBeLessThan(drawn.length * 0.75);
    expect(await walk(sides, drawn, hosts)).toEqual([]);
  }, 120_000);
});
