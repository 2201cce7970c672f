import { type Difference, differences } from '../differences.ts';
import type { PairCase, PairHost } from '../pairs/case-file.ts';
import { ask } from '../pairs/client.ts';
import { type Figures, OWN } from '../pairs/figures.ts';
import type { TestHosts } from '../pairs/hosts.ts';
import { MOVES, MOVING_HOSTS, type MovingCase } from './moving.ts';
import { idle } from './walk.ts';
import type { WalkedProxy } from './walked-proxies.ts';

/** What two proxies did otherwise after a move. */
export interface MovingFinding {
  readonly case: string;
  readonly move: number;
  readonly differences: readonly Difference[];
}

const AT_ONCE = 4;
const LEVELS = /membership_(total|healthy|degraded|excluded)|max_host_weight|hash_lb\.|maglev_lb\.|_duplicate$/;
/** Counted with the first answers. */
const ATTEMPTS = /\.(version|update_attempt|update_time|update_duration)/;
/** How often Envoy's own classes tell each other, and the table that one of them has made last. */
const OF_SUBSETS = /lb_subsets_(active|created|removed)|_lb\./;
/** Envoy keeps connections to hosts that have left such a cluster. */
const LEFT_OPEN = /_cx_(active|destroy)/;
/** Of hosts that take turns: who is asked first is chance, and so is who has a connection. */
const OF_CONNECTIONS = /upstream_(cx_|rq_pending_total)|internal\./;

/** Both proxies are told of other hosts and get requests, again and again; what each move changed is compared. */
export async function walkOnMoves(
  sides: readonly [envoy: WalkedProxy, ours: WalkedProxy],
  cases: readonly MovingCase[],
  hosts: TestHosts,
): Promise<MovingFinding[]> {
  const names = new Map(MOVING_HOSTS.map((name) => [hosts.at(name).ip, name]));
  const findings: MovingFinding[] = [];
  for (let move = 0; move < MOVES; move++) {
    const walked = await Promise.all(
      sides.map(async (side) => {
        const before: Figures = move === 0 ? new Map() : await side.figures();
        if (move > 0) await side.assign(cases.map((each) => atMove(each, move)));
        await sendAll(side, cases, move);
        const after = await idle(side);
        const pages = hostsByCluster(await side.admin('/clusters?format=json'), names);
        return { side, before, after, pages };
      }),
    );
    for (const each of cases) {
      const { name } = each.given;
      const [envoy, ours] = walked.map(({ side, before, after, pages }) => ({
        took: took(each, move, (i) => hosts.arrived(idOf(side, name, move, i)).map(({ host }) => host)),
        figures: moved(each, before, after),
        hosts: pages.get(`${name}.c`),
      }));
      if (each.takesTurns) keepShared(envoy!.took, ours!.took);
      const found = differences(envoy!, ours!);
      if (found.length > 0) findings.push({ case: name, move, differences: found });
    }
  }
  return findings;
}

const atMove = ({ given, moves }: MovingCase, move: number): PairCase => ({
  ...given,
  clusters: { c: { ...given.clusters['c'], ...moves[move] } },
});

async function sendAll(side: WalkedProxy, cases: readonly MovingCase[], move: number): Promise<void> {
  const left = [...cases];
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const { given } = next;
      const at = { ip: side.ip, port: side.portOf(given) };
      for (const [i, request] of given.requests.entries()) await ask(request, at, idOf(side, given.name, move, i));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

const idOf = (side: WalkedProxy, name: string, move: number, i: number): string =>
  `${side.name.padEnd(5, '.')}/${name}/${move}/${i}`;

/** Who was asked, request by request; of hosts that take turns, who comes behind whom. */
function took(each: MovingCase, move: number, at: (i: number) => readonly string[]): Record<string, string> {
  const asked = each.given.requests.map((_, i) => at(i).join() || 'none');
  if (!each.takesTurns) return Object.fromEntries(asked.entries());
  // Priorities are drawn, and localities take turns of their own.
  const placeOf = new Map(
    (each.moves[move]!.hosts as readonly Exclude<PairHost, string>[]).map(
      ({ host, priority, region, health }) => [host, `${priority}/${region}/${health === 'DEGRADED'}`] as const,
    ),
  );
  const behind = new Map<string, Set<string>>();
  const last = new Map<string | undefined, string>();
  for (const host of asked) {
    const before = last.get(placeOf.get(host));
    if (before !== undefined) behind.set(before, (behind.get(before) ?? new Set()).add(host));
    last.set(placeOf.get(host), host);
  }
  return Object.fromEntries([...behind].map(([host, next]) => [host, [...next].sort().join()]));
}

/** Where priorities are drawn, one side may have met a host that the other has not. */
function keepShared(one: Record<string, string>, other: Record<string, string>): void {
  for (const host of MOVING_HOSTS) {
    if (host in one && host in other) continue;
    delete one[host];
    delete other[host];
  }
}

/** Figures of the cluster: by how much they moved, or where they are. */
function moved({ given, takesTurns }: MovingCase, before: Figures, after: Figures): Record<string, number> {
  const cluster = given.clusters['c']!;
  const common = cluster['common_lb_config'] as object;
  const left: readonly RegExp[] = [
    OWN,
    ATTEMPTS,
    ...('lb_subset_config' in cluster ? [OF_SUBSETS] : []),
    ...('close_connections_on_host_set_change' in common ? [LEFT_OPEN] : []),
    ...(takesTurns ? [OF_CONNECTIONS] : []),
  ];
  const found = [...after].flatMap(([name, value]): [string, number][] => {
    if (!name.startsWith(`cluster.${given.name}.c.`) || left.some((names) => names.test(name))) return [];
    const by = LEVELS.test(name) ? value : value - (before.get(name) ?? 0);
    return by === 0 ? [] : [[name, by]];
  });
  return Object.fromEntries(found);
}

interface ShownHost {
  readonly address: { readonly socket_address: { readonly address: string } };
  readonly stats: unknown;
}

/** What `/clusters` tells of hosts, in its order. */
function hostsByCluster(text: string, names: ReadonlyMap<string, string>): Map<string, object[]> {
  const { cluster_statuses: all = [] } = JSON.parse(text) as {
    readonly cluster_statuses?: readonly { readonly name: string; readonly host_statuses?: readonly ShownHost[] }[];
  };
  return new Map(
    all.map(({ name, host_statuses: hosts = [] }) => [
      name,
      hosts.map(({ address, stats: _, ...shown }) => ({ host: names.get(address.socket_address.address), ...shown })),
    ]),
  );
}
