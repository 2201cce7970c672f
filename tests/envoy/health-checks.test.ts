import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { type CheckedCase, checkedCases } from './support/checks/cases.ts';
import { type ScriptedHost, startScriptedHost } from './support/checks/scripted-checks.ts';
import { differences } from './support/differences.ts';
import { waitFor } from './support/wait.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

const cases = checkedCases('checks', 70);
/** A figure of `health_check.degraded` is a row of the README. */
const FIGURES = /\.(health_check\.(?!degraded)\w+|membership_\w+|upstream_cx_(?!length|.*bytes)\w+|total_match_count)$/;
const MET_MS = 10_000;
/** What follows from the last check but one is over by then: the last is never answered. */
const SETTLED_MS = 300;

interface Checked {
  readonly side: WalkedProxy;
  readonly hosts: ReadonlyMap<string, ScriptedHost>;
}

let sides: Checked[];
let release: () => Promise<void>;

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`checks/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  sides = [];
  for (const [i, start] of [startWalkedEnvoy, startWalkedProxy].entries()) {
    const ip = `127.${lease.subnet}.3.${i + 1}`;
    const hosts = new Map<string, ScriptedHost>();
    for (const { given, script } of cases) hosts.set(given.name, await startScriptedHost(ip, script));
    const at = (name: string): { ip: string; port: number } => ({ ip, port: hosts.get(name)!.port });
    const side = await start({
      cases: cases.map(({ given }) => given),
      ip: `127.${lease.subnet}.1.${i + 1}`,
      hosts: at,
    });
    sides.push({ side, hosts });
  }
});

afterAll(async () => {
  for (const { side, hosts } of sides ?? []) {
    await side.stop();
    for (const host of hosts.values()) host.stop();
  }
  await release?.();
});

it('health checks that a seed draws are sent, judged, counted and told as by a real Envoy', async () => {
  const refused = await sides[1]!.side.refused();
  const taken = cases.filter(({ given }) => !refused.has(`${given.name}.c`));
  expect(taken.length).toBeGreaterThan(cases.length * 0.75);
  for (const { given, script } of taken) {
    for (const { side, hosts } of sides) {
      const met = (): true | undefined =>
        checksOf(hosts, given.name).length > script.meetings.length ? true : undefined;
      await waitFor(`${side.name} checks ${given.name} to its end`, MET_MS, met);
    }
  }
  await pause(SETTLED_MS);
  const [envoy, ours] = await Promise.all(sides.map(seen));
  const found = cases.flatMap(({ given: { name } }) => {
    const all = differences(envoy!.get(name)!, ours!.get(name)!);
    return all.length > 0 ? [{ case: name, differences: all }] : [];
  });
  expect(found).toEqual([]);
}, 120_000);

const checksOf = (hosts: Checked['hosts'], name: string): readonly string[] => hosts.get(name)!.checks;

/** By case: what its host was asked, the events of its log, its figures, and how `/clusters` calls its host. */
async function seen({ side, hosts }: Checked): Promise<Map<string, object>> {
  const figures = [...(await side.figures())].filter(([name, value]) => value !== 0 && FIGURES.test(name));
  const { cluster_statuses: shown } = JSON.parse(await side.admin('/clusters?format=json')) as Page;
  const events = side
    .logLines()
    .filter((line) => line.includes('health_checker_type'))
    .map((line) => ({ ...(JSON.parse(line) as Event), timestamp: '', host: '' }));
  const of = ({ given: { name } }: CheckedCase): object => ({
    asked: checksOf(hosts, name),
    events: events.filter((event) => event.cluster_name === `${name}.c`),
    figures: Object.fromEntries(figures.filter(([figure]) => figure.startsWith(`cluster.${name}.c.`))),
    health: shown.find((each) => each.name === `${name}.c`)?.host_statuses.map((host) => host.health_status),
  });
  return new Map(cases.map((each) => [each.given.name, of(each)]));
}

interface Event {
  readonly cluster_name: string;
}
interface Page {
  readonly cluster_statuses: readonly {
    readonly name: string;
    readonly host_statuses: readonly { readonly health_status: object }[];
  }[];
}
