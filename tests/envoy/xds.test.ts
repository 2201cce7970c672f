import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { heldResources, shortTypes, stat } from './support/config-dump.ts';
import { bookinfo, echo, manifests, type OracleMesh, startOracleMesh } from './support/mesh.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { waitFor } from './support/wait.ts';

const WARM_MS = 3000;

const rules = [...manifests('labs/bookinfo/samples/bookinfo/networking'), ...manifests('tests/envoy/everything')];
const kinds = [
  ['sidecar', 'delta'],
  ['sidecar', 'state of the world'],
  ['router', 'delta'],
] as const;

describe.each(kinds)('a real Envoy as %s that asks for its configuration by %s', (role, variant) => {
  let mesh: OracleMesh;
  let oracle: Oracle;

  beforeAll(async () => {
    mesh = await startOracleMesh(...bookinfo, ...echo);
    oracle = await startOracle({ sandbox: mesh.sandbox, subnet: mesh.subnet, variant, role });
  });
  afterAll(async () => {
    await oracle?.stop();
    await mesh?.stop();
  });

  const expectAllInForce = async (): Promise<void> => {
    // Accepted is not yet warm: secrets come on a stream of their own.
    const held = await waitFor('everything is warm', WARM_MS, async () => {
      const now = heldResources(await oracle.admin('/config_dump?include_eds'));
      return now.warming.length === 0 ? now : undefined;
    });
    const { resources } = mesh.sandbox.controlPlane?.snapshotFor(oracle.node) ?? { resources: new Map() };
    expect(held.refused).toEqual([]);
    for (const [short, typeUrl] of Object.entries(shortTypes)) {
      const sent: string[] = [...(resources.get(typeUrl)?.keys() ?? [])].sort();
      expect([short, held.active[short as keyof typeof shortTypes]]).toEqual([short, sent]);
    }
  };

  it('accepts every cluster, listener, route table and endpoint list', async () => {
    expect(mesh.pushesTo(oracle.node.id).filter(({ state }) => state === 'nacked')).toEqual([]);
    await expectAllInForce();
  });

  it('fails to create no listener and warms all clusters', async () => {
    const stats = await oracle.admin('/stats');
    expect(stat(stats, 'listener_manager.listener_create_failure')).toBe(0);
    expect(stat(stats, 'listener_manager.lds.update_rejected')).toBe(0);
    expect(stat(stats, 'cluster_manager.cds.update_rejected')).toBe(0);
    expect(stat(stats, 'cluster_manager.warming_clusters')).toBe(0);
  });

  it.each(rules.map((rule) => [rule.file, rule] as const))('accepts what %s makes of it', async (_file, rule) => {
    await mesh.applyFor(oracle.node.id, rule);
    expect(mesh.pushesTo(oracle.node.id).filter(({ state }) => state === 'nacked')).toEqual([]);
    await expectAllInForce();
  });

  it('warns of nothing that Istio itself would not make it warn of', () => {
    // No limit of downstream connections in the bootstrap, and two old fields that Istio still writes.
    const known = /global_downstream_max_connections|option '[^']*\.(match_subject_alt_names|max_grpc_timeout)'/;
    expect(
      oracle
        .log()
        .split('\n')
        .filter((line) => line !== '' && !known.test(line)),
    ).toEqual([]);
  });
});
