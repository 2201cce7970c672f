import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seededRandom } from '#domain';
import { leaseSubnet } from '#sandbox/subnets';
import { startNameServer, type TestNameServer, type Told } from './support/name-server.ts';
import type { PairCase } from './support/pairs/case-file.ts';
import { ask } from './support/pairs/client.ts';
import { waitFor } from './support/wait.ts';
import { type Dice, dice } from './support/walks/dice.ts';
import { idle } from './support/walks/walk.ts';
import { startWalkedEnvoy, startWalkedProxy, type WalkedProxy } from './support/walks/walked-proxies.ts';

const CASES = 24;
const STEPS = 10;
/** More than a cluster has hosts, which take turns: each is asked. */
const REQUESTS = 8;
const WAIT_MS = 15_000;
/** Attempts until every name has surely been answered by what is said of it now. */
const ROUNDS = 2;
/** Last parts of addresses; nobody listens at the last. */
const LISTENING = [11, 12, 13] as const;
const DEAD = 14;

/** A cluster whose hosts are found by these names. */
interface Drawn {
  readonly given: PairCase;
  readonly names: readonly string[];
  readonly isLogical: boolean;
}

const draw = (i: number): Drawn => {
  const roll = dice(`names/${i}`);
  const isLogical = roll.chance(50);
  const names = Array.from({ length: isLogical ? 1 : 1 + roll.below(2) }, (_, n) => `n${n}.c${i}.test`);
  const endpoint = (address: string): object => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  });
  const load_assignment = {
    cluster_name: `n${i}.c`,
    endpoints: names.map((name, n) => ({
      ...roll.maybe(30, () => ({ priority: n })),
      lb_endpoints: [endpoint(name), ...(isLogical || roll.chance(70) ? [] : [endpoint(addressOf(LISTENING[1]))])],
    })),
  };
  const c = {
    type: isLogical ? 'LOGICAL_DNS' : 'STRICT_DNS',
    dns_refresh_rate: '0.1s',
    dns_lookup_family: roll.one(['V4_ONLY', 'V4_ONLY', 'V4_ONLY', 'V6_ONLY', 'ALL', 'AUTO', 'V4_PREFERRED']),
    typed_dns_resolver_config: {
      name: 'envoy.network.dns_resolver.cares',
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig',
        resolvers: [{ socket_address: { address: nameServer.at.ip, port_value: nameServer.at.port } }],
        dns_resolver_options: { no_default_search_domain: true },
      },
    },
    load_assignment,
  };
  return {
    names,
    isLogical,
    given: {
      name: `n${i}`,
      routes: [{ match: { prefix: '/' }, route: { cluster: 'c' } }],
      clusters: { c },
      requests: [],
    },
  };
};

/** A connection that one address does not take goes to the next only where all of them are one host. */
const drawTold = (roll: Dice, isLogical: boolean): Told => {
  if (roll.chance(30)) return roll.one(['NXDOMAIN', 'SERVFAIL', 'REFUSED'] as const);
  return roll.some(isLogical ? [...LISTENING, DEAD] : LISTENING, 45).map(addressOf);
};

let subnet: number;
/** Of all hosts: a name tells addresses alone. */
let port: number;
const hosts: Server[] = [];
const addressOf = (last: number): string => `127.${subnet}.3.${last}`;
let nameServer: TestNameServer;
let sides: [WalkedProxy, WalkedProxy];
let drawn: readonly Drawn[];
let release: () => Promise<void>;
const said = new Map<string, Told>();

const say = (step: number): void => {
  for (const { names, isLogical } of drawn)
    for (const name of names) said.set(name, drawTold(dice(`${name}/${step}`), isLogical));
};

const listenAt = (ip: string, wanted: number): Promise<Server> =>
  new Promise((resolve) => {
    const server = createServer((_request, response) => void response.end());
    server.listen(wanted, ip, () => {
      port = (server.address() as AddressInfo).port;
      resolve(server);
    });
  });
const noHost = (name: string): never => {
  throw new Error(`${name} is found by no name`);
};

beforeAll(async () => {
  const lease = await leaseSubnet(seededRandom(`names/${process.pid}/${performance.now()}`));
  release = () => lease.release();
  subnet = lease.subnet;
  for (const last of LISTENING) hosts.push(await listenAt(addressOf(last), hosts.length === 0 ? 0 : port));
  nameServer = await startNameServer(`127.${subnet}.3.1`, (name) => said.get(name) ?? 'NXDOMAIN');
  drawn = Array.from({ length: CASES }, (_, i) => draw(i));
  say(0);
  const given = { cases: drawn.map((each) => each.given), hosts: noHost, resolve: nameServer.resolve };
  sides = [
    await startWalkedEnvoy({ ...given, ip: `127.${subnet}.1.1` }),
    await startWalkedProxy({ ...given, ip: `127.${subnet}.1.2` }),
  ];
});

afterAll(async () => {
  await Promise.all((sides ?? []).map((side) => side.stop()));
  nameServer?.stop();
  for (const host of hosts) host.close();
  await release?.();
});

const figure = (figures: ReadonlyMap<string, number>, { given }: Drawn, name: string): number =>
  figures.get(`cluster.${given.name}.c.${name}`) ?? 0;

/** Every name of every cluster has been answered anew. */
async function answered(side: WalkedProxy): Promise<void> {
  const before = await side.figures();
  await waitFor(`${side.name} asks for its names`, WAIT_MS, async () => {
    const now = await side.figures();
    const isOver = (each: Drawn): boolean =>
      figure(now, each, 'update_attempt') - figure(before, each, 'update_attempt') >= (ROUNDS + 1) * 3;
    return drawn.every(isOver) ? true : undefined;
  });
}

const FIGURES = [
  'membership_total',
  'membership_healthy',
  'membership_change',
  'upstream_cx_active',
  'upstream_cx_total',
  'upstream_cx_destroy_local',
  'upstream_cx_connect_fail',
];
/** How often they move depends on time. */
const MOVED = ['update_success', 'update_failure', 'update_no_rebuild'];

/** What one side shows once all names lead elsewhere: its hosts, answers, and what has moved. */
async function seen(side: WalkedProxy, step: number): Promise<object[]> {
  await answered(side);
  const settled = await side.figures();
  await answered(side);
  const page = await side.admin('/clusters');
  const later = await side.figures();
  const answers = await Promise.all(
    drawn.map(async ({ given }) => {
      const found: number[] = [];
      for (let i = 0; i < REQUESTS; i++) {
        const at = { ip: side.ip, port: side.portOf(given) };
        const { status } = await ask(
          { name: 'ask', expect: { status: 200 } },
          at,
          `${side.name}/${given.name}/${step}/${i}`,
        );
        found.push(status);
      }
      return found;
    }),
  );
  const after = await idle(side);
  return drawn.map((each, i) => ({
    case: each.given.name,
    type: each.given.clusters['c']!['type'],
    said: each.names.map((name) => said.get(name)),
    hosts: [...page.matchAll(new RegExp(`^${each.given.name}\\.c::(.+)::cx_active::`, 'gm'))].map(([, host]) => host),
    answers: answers[i],
    figures: Object.fromEntries(FIGURES.map((name) => [name, figure(after, each, name)])),
    moved: MOVED.filter((name) => figure(later, each, name) > figure(settled, each, name)),
  }));
}

it('hosts that are found by name come and go as in a real Envoy, whatever the name server says', async () => {
  for (const side of sides) expect([...(await side.refused())]).toEqual([]);
  for (let step = 1; step <= STEPS; step++) {
    const [envoy, ours] = await Promise.all(sides.map((side) => seen(side, step)));
    expect({ step, seen: ours }).toEqual({ step, seen: envoy });
    say(step);
  }
}, 240_000);
