import type { HopRecord } from '#domain';
import type { Sandbox } from '#sandbox';
import type { Deploys } from './deploys.ts';

/** Calls from one service to another of the last seconds, as each side's proxy recorded them. */
interface EdgeHops {
  readonly source: readonly HopRecord[];
  readonly destination: readonly HopRecord[];
  /** Changes of the last seconds that came into force late; they concern the mesh, not an edge. */
  readonly late: number;
}

/** How trouble shows on an edge. Each is seen in what the proxies recorded, or it is not there. */
const signs: readonly { readonly name: string; readonly seen: (hops: EdgeHops) => boolean }[] = [
  {
    name: 'slow, without errors',
    seen: ({ source }) => some(source, (hop) => hop.durationMs > 800 && hop.response.status < 400),
  },
  { name: '503 NC (no such cluster)', seen: withFlag('NC') },
  { name: '503 UH (no healthy upstream)', seen: withFlag('UH') },
  { name: '503 UO (overflow)', seen: withFlag('UO') },
  { name: '503 UF (connection failed)', seen: withFlag('UF') },
  { name: '503 UC (connection cut)', seen: withFlag('UC') },
  { name: '503 URX (every retry failed)', seen: withFlag('URX') },
  { name: '504 UT (timeout)', seen: withFlag('UT') },
  { name: '404 NR (no route)', seen: withFlag('NR', 404) },
  { name: 'more tries than requests', seen: ({ source }) => some(source, (hop) => hop.attempts > 1) },
  {
    name: '500 from the application',
    seen: ({ destination, source }) => some([...destination, ...source], (hop) => hop.response.status === 500),
  },
  {
    name: '503 from the application',
    seen: ({ destination }) =>
      some(destination, (hop) => hop.response.status === 503 && hop.response.flags.length === 0),
  },
  {
    name: '403 without a flag',
    seen: ({ destination, source }) =>
      some([...destination, ...source], (hop) => hop.response.status === 403 && hop.response.flags.length === 0),
  },
  { name: '401', seen: ({ destination }) => some(destination, (hop) => hop.response.status === 401) },
  {
    name: 'connection reset, no HTTP',
    seen: ({ destination }) =>
      some(destination, (hop) => hop.response.status === 0 && hop.response.flags.includes('NR')),
  },
  { name: 'configuration arrives late', seen: ({ late }) => late >= ENOUGH },
];

export const signNames: readonly string[] = signs.map(({ name }) => name);

/** A handful, so that one chance event is no sign. */
const ENOUGH = 3;
const WINDOW_MS = 60_000;

const some = (hops: readonly HopRecord[], is: (hop: HopRecord) => boolean): boolean => hops.filter(is).length >= ENOUGH;

function withFlag(flag: string, status?: number) {
  return ({ source }: EdgeHops): boolean =>
    some(
      source,
      ({ response }) => response.flags.includes(flag) && (status === undefined || response.status === status),
    );
}

/** Whether the proxies have recorded such a thing on this edge lately. */
export function isSeen(
  sign: string,
  edge: { readonly from: string; readonly to: string },
  { sandbox, deploys }: { readonly sandbox: Sandbox; readonly deploys?: Pick<Deploys, 'late'> | undefined },
): boolean {
  const found = signs.find(({ name }) => name === sign);
  return found?.seen({ ...hopsOf(edge, sandbox), late: deploys?.late(WINDOW_MS) ?? 0 }) ?? false;
}

function hopsOf(
  { from, to }: { readonly from: string; readonly to: string },
  { hops, clock }: Sandbox,
): Pick<EdgeHops, 'source' | 'destination'> {
  const since = clock.now() - WINDOW_MS;
  const recent = hops.requests(2000).filter(({ startMs }) => startMs >= since);
  const own = recent.filter(({ source, destination }) => source.service === from && destination.service === to);
  const traces = new Set(own.map(({ traceId }) => traceId));
  const records = [...traces].flatMap((traceId) => hops.trace(traceId));
  return {
    source: records.filter((hop) => hop.direction === 'outbound' && hop.proxy.service === from && calleeOf(hop) === to),
    destination: records.filter((hop) => hop.direction === 'inbound' && hop.proxy.service === to),
  };
}

/** The service that a call is meant for, by its cluster's name, else by the host that was asked for. */
export const calleeOf = ({ cluster, request }: HopRecord): string =>
  (cluster.split('|')[3] || request.authority).split(/[.:]/)[0] ?? '';
