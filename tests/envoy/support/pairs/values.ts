import { OWN } from './figures.ts';

/** What `/stats` lists: text by name. */
export type Listed = ReadonlyMap<string, string>;

/** Where values differ after all pairs although nothing is wrong, and why. What a pair itself says of its figures needs no row here. */
const MAY_DIFFER: readonly (readonly [names: RegExp, why: string])[] = [
  [OWN, 'bytes of headers that are one of a kind, buffers, reports of spans'],
  [
    /^server\.(memory_|uptime$|stats_recent_lookups$|total_connections$|version$)/,
    'of the program itself; told with a flush',
  ],
  [/watchdog_(mega_)?miss$/, 'how busy the machine is'],
  [/^server\.days_until_first_cert_expiring$/, 'only ours has a certificate here'],
  [
    /^cluster\..*\.upstream_(cx_(active|destroy|destroy_remote|length_ms)|rq_per_cx)$/,
    'when a host ends a connection that nobody uses; pairs compare those of their own requests',
  ],
  [/^cluster\.answers-closed-breakers\..*\.cx_open$/, 'a limit of 0 stays open in Envoy when the connection has ended'],
  [/^runtime\.deprecated_feature/, 'fields that Envoy calls deprecated'],
  [/^server\.wip_protos$/, 'messages that Envoy calls unfinished'],
  [
    /^cluster_manager\.(cluster_updated|cluster_updated_via_merge|update_out_of_merge_window)$/,
    'updates between threads',
  ],
  [
    /^cluster\.outlier-.*\.(membership_\w+|ejections_active|ring_hash_lb\.\w+)$/,
    'when a host comes back: one side is asked later',
  ],
  [
    /^cluster\.subsets-.*\.(lb_subsets_(active|created|removed)|maglev_lb\.\w+)$/,
    'once for each thread; that of the subset built last',
  ],
  [/^cluster\.original-dst-.*\.membership_\w+$/, 'Envoy forgets hosts that nobody asks for'],
  [/\.remaining_cx_pools$/, 'a pool beyond a limit of 0 is 2^64 - 2, which is no number here'],
  [/^tracing\..*\.reports_/, 'how many spans go together'],
  [/\.total_compressed_bytes$/, 'another zlib'],
  [/(^|\.)http2\.(tx_reset|goaway_sent)$/, 'the rows about GOAWAY and refused streams'],
];

/** Histograms: whether they hold values. Envoy shows none before a flush. */
const presence = (text: string): string => {
  if (text === 'No recorded values') return 'empty';
  return text.startsWith('P0(') ? 'recorded' : text;
};

/** Figures of both whose values differ without a reason: name → Envoy's and ours. `known`: those of which pairs say how they differ. */
export function valuesApart(envoy: Listed, ours: Listed, known: ReadonlySet<string>): Record<string, [string, string]> {
  const apart = [...envoy].flatMap(([name, text]): [string, [string, string]][] => {
    const own = ours.get(name);
    if (own === undefined || known.has(name) || MAY_DIFFER.some(([names]) => names.test(name))) return [];
    const told = [presence(text), presence(own)] as [string, string];
    return told[0] === told[1] ? [] : [[name, told]];
  });
  return Object.fromEntries(apart);
}
