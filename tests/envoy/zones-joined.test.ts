import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEnvoyProxy, findEnvoy } from '#envoy';
import { hostPort } from '#sandbox';
import { addressesOf, nodeOf, nodesAsked, ownAddresses, podsOf, SERVER, zonedShop } from '../mesh/zoned-shop.ts';
import { type OracleMesh, startMeshWith } from './support/mesh.ts';

const STARTS_MS = 60_000;
const REQUESTS = 12;

let mesh: OracleMesh;
beforeAll(async () => {
  const make = createEnvoyProxy({ program: findEnvoy() ?? '', hostPort });
  mesh = await startMeshWith({ proxyFor: () => make }, ...zonedShop);
  await mesh.sandbox.ready();
}, STARTS_MS);
afterAll(() => mesh?.stop());

it('Envoys that discover their own workload keep requests in their zone, as istiod tells them', async () => {
  const { sandbox } = mesh;
  expect(mesh.events.filter((event) => event.type === 'push' && event.push.state === 'nacked')).toEqual([]);
  for (const caller of podsOf(sandbox, 'caller')) {
    expect(await nodesAsked(sandbox, caller, REQUESTS)).toEqual([nodeOf(sandbox, caller.name)]);
    const { admin } = caller.proxy!;
    await admin.refresh?.();
    const counted = [...admin.stats()].filter(
      ([name]) => name.includes(SERVER) && name.endsWith('.lb_zone_routing_all_directly'),
    );
    expect(counted.map(([, value]) => value)).toEqual([REQUESTS]);
    expect(ownAddresses(caller)).toEqual(addressesOf(podsOf(sandbox, 'caller')));
  }
});
