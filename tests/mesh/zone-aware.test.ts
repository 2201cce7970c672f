import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningMesh, startMesh } from './sandbox-support.ts';
import { addressesOf, nodeOf, nodesAsked, ownAddresses, podsOf, SERVER, zonedShop } from './zoned-shop.ts';

const REQUESTS = 12;

interface Dump {
  readonly configs: readonly Readonly<Record<string, unknown>>[];
}

describe('a proxy that discovers its own workload', () => {
  let mesh: RunningMesh;
  beforeAll(async () => {
    mesh = await startMesh(zonedShop, false);
    await mesh.sandbox.ready();
  });
  afterAll(() => mesh?.stop());

  it('has a pod of its workload on each node of its region', () => {
    const { sandbox } = mesh;
    for (const app of ['caller', 'server']) {
      const nodes = podsOf(sandbox, app).map(({ name }) => nodeOf(sandbox, name));
      expect(nodes.sort()).toEqual(['n1', 'n2']);
    }
  });

  it('is told the addresses of its ReplicaSet, and says where it is itself', () => {
    const [caller] = podsOf(mesh.sandbox, 'caller');
    const zone = nodeOf(mesh.sandbox, caller!.name).replace('n', 'eu-');
    const { configs } = caller!.proxy!.admin.configDump() as Dump;
    expect(configs[0]?.['bootstrap']).toMatchObject({
      node: { locality: { region: 'eu', zone }, metadata: { ENABLE_SELF_DISCOVERY: 'true', WORKLOAD_NAME: 'caller' } },
      cluster_manager: { local_cluster_name: 'local_cluster' },
    });
    expect(ownAddresses(caller!)).toEqual(addressesOf(podsOf(mesh.sandbox, 'caller')));
  });

  it('keeps its requests in its own zone', async () => {
    const { sandbox } = mesh;
    for (const caller of podsOf(sandbox, 'caller')) {
      expect(await nodesAsked(sandbox, caller, REQUESTS)).toEqual([nodeOf(sandbox, caller.name)]);
      expect(caller.proxy!.admin.stats().get(`cluster.${SERVER}.lb_zone_routing_all_directly`)).toBe(REQUESTS);
    }
  });
});
