import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Lab, type LabFile, listLabs, loadLab } from '#labs';
import { heldResources } from './support/config-dump.ts';
import { type OracleMesh, startOracleMesh } from './support/mesh.ts';
import { type Oracle, startOracle } from './support/oracle.ts';
import { waitFor } from './support/wait.ts';

const root = join(import.meta.dirname, '../..');
const SETTLE_MS = 10_000;
const LAB_MS = 90_000;
/** Folders of a lab that hold folders of files, one for each change that somebody makes. */
const CHANGES = ['steps', 'remedies', 'wrong', 'earlier'];

/** Everything that is ever applied in a lab, by the folder it lies in. */
function changesOf(id: string, lab: Lab): [string, readonly LabFile[]][] {
  const below = CHANGES.flatMap((parent) =>
    entries(join(root, 'labs', id, parent)).map((name): [string, readonly LabFile[]] => {
      const folder = `${parent}/${name}`;
      return [folder, lab.folder(folder)];
    }),
  );
  const samples = [...lab.samples]
    .filter(([file]) => file.endsWith('.yaml'))
    .map(([file, text]): [string, readonly LabFile[]] => [`samples/${file}`, [{ file, text }]]);
  return [['start', lab.start], ...below, ...samples, ['solution', lab.solution]];
}

const entries = (folder: string): string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw cause;
  }
};

describe.each(listLabs(root))('lab %s, to a real Envoy', (id) => {
  const lab = loadLab(root, id);
  let mesh: OracleMesh;
  const envoys: Oracle[] = [];

  beforeAll(async () => {
    mesh = await startOracleMesh(...lab.topology);
    const at = { sandbox: mesh.sandbox, subnet: mesh.subnet, variant: 'delta' } as const;
    const gateway = { istio: 'ingressgateway', app: 'istio-ingressgateway' };
    envoys.push(await startOracle(at));
    envoys.push(await startOracle({ ...at, role: 'router', labels: gateway, place: 201 }));
  }, LAB_MS);
  afterAll(async () => {
    for (const envoy of envoys) await envoy.stop();
    await mesh?.stop();
  });

  it(
    'is accepted as sidecar and as gateway, whatever is applied in it',
    async () => {
      for (const [folder, files] of changesOf(id, lab)) {
        if (files.length === 0) continue;
        const outcome = await mesh.sandbox.apply(files, { namespace: 'default' });
        // What the webhook refuses reaches nobody; what is unchanged neither.
        if (!outcome.accepted || outcome.objects.every((object) => object.outcome === 'unchanged')) continue;
        await mesh.settled(outcome.changeId);
        const refused = envoys.flatMap(({ node }) => mesh.pushesTo(node.id).filter(({ state }) => state === 'nacked'));
        expect([folder, refused]).toEqual([folder, []]);
      }
      for (const envoy of envoys) {
        const held = await waitFor(`${envoy.node.id} is warm`, SETTLE_MS, async () => {
          const now = heldResources(await envoy.admin('/config_dump?include_eds'));
          return now.warming.length === 0 ? now : undefined;
        });
        expect(held.refused).toEqual([]);
      }
    },
    LAB_MS,
  );
});
