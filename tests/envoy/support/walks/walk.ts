import { type Difference, differences } from '../differences.ts';
import type { PairCase, PairRequest } from '../pairs/case-file.ts';
import { type Answer, ask } from '../pairs/client.ts';
import { compared } from '../pairs/compared.ts';
import { changes, type Figures } from '../pairs/figures.ts';
import type { TestHosts } from '../pairs/hosts.ts';
import { LOG_FORMAT, type LogEntry } from '../pairs/log-entry.ts';
import { waitFor } from '../wait.ts';
import type { WalkedProxy } from './walked-proxies.ts';

/** What two proxies did otherwise: with a request, with a case as a whole (its figures), or with its configuration. */
export interface Finding {
  readonly case: string;
  /** Absent: of the case as a whole. */
  readonly request?: PairRequest;
  readonly differences: readonly Difference[];
}

const AT_ONCE = 4;
const QUIET_MS = 15_000;
/** They stand before the first request. */
const LEVELS = /\.(membership_\w+|lb_subsets_single_host_per_subset_duplicate)$/;
const KINDS = 'http|cluster|tcp|vhost|local_rate_limit|ext_authz';

/** A log that tells of which request each line is, and what a filter has left behind. */
export const walkedLog = (filter: string): object => ({
  name: 'envoy.access_loggers.file',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
    path: '/dev/stdout',
    log_format: {
      json_format: {
        ...LOG_FORMAT,
        id: '%REQ(USER-AGENT)%',
        query: '%REQ(:PATH)%',
        metadata: `%DYNAMIC_METADATA(${filter})%`,
      },
    },
  },
});

/** Both proxies get the requests of every case, in their order; what differs is found in the end, when all is quiet. */
export async function walk(
  sides: readonly [envoy: WalkedProxy, ours: WalkedProxy],
  cases: readonly PairCase[],
  hosts: TestHosts,
): Promise<Finding[]> {
  const [envoyRefused, oursRefused] = await Promise.all(sides.map((side) => side.refused()));
  const refused = (name: string): [string | undefined, string | undefined] => [
    envoyRefused!.get(name),
    oursRefused!.get(name),
  ];
  const taken = cases.filter(({ name }) => refused(name).every((each) => each === undefined));
  const before = await Promise.all(sides.map((side) => side.figures()));
  const answers = new Map<string, Answer>();
  const left = [...taken];
  const worker = async (): Promise<void> => {
    for (let given = left.shift(); given !== undefined; given = left.shift()) {
      const next = given;
      await Promise.all(
        sides.map(async (side) => {
          for (const [i, request] of next.requests.entries()) {
            const id = idOf(side, next, i);
            answers.set(id, await ask(request, { ip: side.ip, port: side.portOf(next) }, id));
          }
        }),
      );
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const after = await Promise.all(sides.map(idle));
  const logs = sides.map(logById);
  const seen = (at: 0 | 1, given: PairCase, i: number): object => {
    const id = idOf(sides[at], given, i);
    const log = logs[at]!.get(id) ?? [];
    const shown = compared({ answer: answers.get(id)!, log, upstream: hosts.arrived(id), stats: {}, sent: [] });
    return JSON.parse(JSON.stringify(shown).replaceAll(sides[at].ip, '<proxy>').replaceAll(id, '<id>')) as object;
  };
  const findings: Finding[] = cases
    .filter(({ name }) => refused(name).filter((each) => each === undefined).length === 1)
    .map(({ name }) => ({
      case: name,
      differences: [{ at: 'refused', envoy: refused(name)[0] ?? null, ours: refused(name)[1] ?? null }],
    }));
  for (const given of taken) {
    for (const [i, request] of given.requests.entries()) {
      const found = differences(seen(0, given, i), seen(1, given, i));
      if (found.length > 0) findings.push({ case: given.name, request, differences: found });
    }
    const own = new RegExp(`^(${KINDS})\\.${given.name}\\.|^${given.name}\\.`);
    const of = (figures: Figures): Figures => new Map([...figures].filter(([name]) => own.test(name)));
    const moved = (at: 0 | 1): object => changes(of(before[at]!), of(after[at]!));
    const levels = (at: 0 | 1): object => Object.fromEntries([...of(after[at]!)].filter(([name]) => LEVELS.test(name)));
    const found = differences({ stats: moved(0), levels: levels(0) }, { stats: moved(1), levels: levels(1) });
    if (found.length > 0) findings.push({ case: given.name, differences: found });
  }
  return findings;
}

/** Of one length for both: they count bytes. */
const idOf = (side: WalkedProxy, { name }: PairCase, i: number): string => `${side.name.padEnd(5, '.')}/${name}/${i}`;

function logById(side: WalkedProxy): Map<string, LogEntry[]> {
  const found = new Map<string, LogEntry[]>();
  for (const line of side.logLines()) {
    if (!line.startsWith('{')) continue;
    const { id, ...entry } = JSON.parse(line) as LogEntry;
    found.set(String(id), [...(found.get(String(id)) ?? []), entry]);
  }
  return found;
}

/** Figures once no request is under way and no client is connected any more. */
export const idle = (side: WalkedProxy): Promise<Figures> =>
  waitFor(`${side.name} has nothing to do`, QUIET_MS, async () => {
    const figures = await side.figures();
    const busy = [...figures].filter(
      ([name, value]) => value > 0 && !name.includes('admin') && /(downstream_cx|_rq(_pending)?)_active$/.test(name),
    );
    return busy.length === 0 ? figures : undefined;
  });
