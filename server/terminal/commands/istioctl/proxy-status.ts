import { formatAge } from '#domain';
import { istioVersion } from '#istio';
import { type Flags, readCount, value } from '#shell';
import { typeUrls } from '#xds';
import { type ShellContext, UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { compareDumps } from './dump-diff.ts';
import { completeProxies, findProxy } from './proxies.ts';

/** Columns of all proxies, then those of types that some proxy asks for: in the order of their type URLs, as istioctl sorts them. */
const COLUMNS = [
  ['CDS', typeUrls.cluster],
  ['ECDS', typeUrls.extension],
  ['EDS', typeUrls.endpoint],
  ['LDS', typeUrls.listener],
  ['RDS', typeUrls.route],
  ['SDS', typeUrls.secret],
  ['NDS', typeUrls.nameTable],
] as const;
const ALWAYS = new Set<string>(['CDS', 'ECDS', 'EDS', 'LDS', 'RDS']);

export const proxyStatus: Verb = {
  name: 'proxy-status',
  aliases: ['ps'],
  manual: `istioctl proxy-status [pod[.namespace]] [-v 1] [-n namespace]
One row per proxy that istiod serves, with the types of configuration that it subscribes to; of one pod, where what it holds differs from what istiod would have it hold. With -v 1 the state of each type:
SYNCED: it accepted what was sent last, so long ago. NOT SENT: nothing of that type yet. STALE: sent, not answered yet.
ERROR: it refused the last push (NACK) and serves the one before. IGNORED: it does not ask for that type.`,
  flags: { verbosity: value('v') },
  run: async (flags, io, context) => {
    const { controlPlane, pods } = context.sandbox;
    if (!controlPlane) throw new UsageError('Error: no running Istio pods in namespace "istio-system"');
    const level = flags.text('verbosity') ?? '0';
    if (readCount(level) === undefined)
      throw new UsageError(`Error: invalid argument "${level}" for "-v, --verbosity" flag`);
    const [word] = flags.words;
    const namespace = flags.text('namespace');
    const istiod =
      pods.find((pod) => pod.namespace === 'istio-system' && pod.labels['app'] === 'istiod')?.name ?? 'istiod';
    const all = controlPlane
      .syncStatus()
      .map(({ node, ...told }) => ({ node, name: node.id.split('~')[2] ?? node.id, ...told }));
    const only = word === undefined ? undefined : proxyName(word, all, { flags, context });
    const rows = all
      .filter(({ name }) => only === undefined || name === only)
      .filter(({ name }) => namespace === undefined || name.endsWith(`.${namespace}`))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (only !== undefined && rows.length === 0) throw new UsageError(`Error: no proxy ${only} is connected to istiod`);
    const [one] = rows;
    const proxy = pods.find((pod) => `${pod.name}.${pod.namespace}` === only)?.proxy;
    if (one && proxy && level === '0') io.out(compareDumps(controlPlane, one.node, proxy));
    else if (level === '0') {
      const compact = rows.map(({ name, types }) => [name, 'Kubernetes', istiod, istioVersion, subscribed(types)]);
      io.out(formatTable(['NAME', 'CLUSTER', 'ISTIOD', 'VERSION', 'SUBSCRIBED TYPES'], compact, 5));
    } else {
      const nowMs = context.clock.now();
      const columns = COLUMNS.filter(([type]) => ALWAYS.has(type) || rows.some(({ types }) => type in types));
      const full = rows.map(({ name, types, responses }) => [
        name,
        'Kubernetes',
        ...columns.map(([type, typeUrl]) => stateOf(types[type], responses[typeUrl]?.sentAtMs, nowMs)),
        istiod,
        istioVersion,
      ]);
      const names = columns.map(([type]) => type);
      io.out(formatTable(['NAME', 'CLUSTER', ...names, 'ISTIOD', 'VERSION'], full, 5));
    }
    return 0;
  },
  complete: ({ words, namespace }, context) =>
    words.length <= 1 ? completeProxies(namespace, context).filter((name) => !name.includes('/')) : [],
};

/** Source: formatStatus in istio istioctl/pkg/writer/pilot/status.go. */
function stateOf(state: string | undefined, sentAtMs: number | undefined, nowMs: number): string {
  if (state === undefined) return 'IGNORED';
  return state === 'NOT SENT' || sentAtMs === undefined ? state : `${state} (${formatAge(nowMs - sentAtMs)})`;
}

/** `name`, `name.namespace` or `deploy/name` as istiod names its proxies. */
function proxyName(
  word: string,
  rows: readonly { readonly name: string }[],
  { flags, context }: { readonly flags: Flags; readonly context: ShellContext },
): string {
  const known = rows.find(({ name }) => name === word || name.slice(0, name.lastIndexOf('.')) === word);
  if (known) return known.name;
  if (!word.includes('/')) return word;
  const { pod } = findProxy(context, namespaceOf(flags, context), word);
  return `${pod.name}.${pod.namespace}`;
}

function subscribed(types: Readonly<Record<string, string>>): string {
  const names = Object.keys(types);
  return names.length === 0 ? '0' : `${names.length} (${names.join(',')})`;
}
