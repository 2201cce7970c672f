/** What a dotted name becomes in Prometheus' format. */
export interface TaggedName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Extractor {
  readonly tag: string;
  /** Its first group is taken out of the name, its second is the label's value. */
  readonly pattern: RegExp;
}

/**
 * Parts of names that become labels, in the order in which Envoy lists them. Source: stats_tags of the bootstrap of Istio's proxies. Names
 * of clusters and connection managers end with `;` there; the forms without it are for configuration that is not Istio's.
 */
const EXTRACTORS: readonly Extractor[] = [
  { tag: 'cluster_name', pattern: /^cluster(\.(.+);)/d },
  {
    tag: 'cluster_name',
    pattern:
      /^cluster(\.([^;]+?))\.(?:(?:(?:external|internal)\.)?upstream_|(?:membership|lb|update|assignment|http1|http2|ssl|outlier_detection|circuit_breakers|health_check|ext_authz|ratelimit|grpc)[_.]|retry_or_shadow|max_host_weight|bind_errors|original_dst|version|warming)/d,
  },
  { tag: 'response_code', pattern: /_rq(_(\d{3}))$/d },
  { tag: 'response_code_class', pattern: /_rq(_(\dxx))$/d },
  { tag: 'http_conn_manager_listener_prefix', pattern: /^listener\..*?\.http\.(([_.\d]*|[_[\]aAbBcCdDeEfF\d]*)\.)/d },
  { tag: 'authz_enforce_result', pattern: /rbac(\.(allowed|denied))/d },
  { tag: 'authz_dry_run_action', pattern: /(\.istio_dry_run_(allow|deny)_)/d },
  { tag: 'authz_dry_run_result', pattern: /(\.shadow_(allowed|denied))/d },
  { tag: 'http_conn_manager_prefix', pattern: /^http\.(([_.\d\w]*|[\w:[\]]*);\.)/d },
  {
    tag: 'http_conn_manager_prefix',
    pattern:
      /^http\.(([^;]+?)\.)(?:downstream_|fault\.|rbac\.|jwt_authn\.|ext_authz\.|tracing\.|no_route|no_cluster|rq_|rs_|passthrough_)/d,
  },
  { tag: 'tcp_prefix', pattern: /^tcp\.((.*?)\.)\w+$/d },
  { tag: 'listener_address', pattern: /^listener\.(([_.\d]*|[_[\]aAbBcCdDeEfF\d]*)\.)/d },
];

type Range = readonly [from: number, to: number];

/** Names repeat from scrape to scrape and from proxy to proxy. */
const known = new Map<string, TaggedName>();
const MAX_KNOWN = 20_000;

/** Takes the parts that are labels out of a name. */
export function extractTags(dotted: string): TaggedName {
  const before = known.get(dotted);
  if (before !== undefined) return before;
  const tagged = readTags(dotted);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(dotted, tagged);
  return tagged;
}

function readTags(dotted: string): TaggedName {
  const labels: Record<string, string> = {};
  const taken: Range[] = [];
  for (const { tag, pattern } of EXTRACTORS) {
    if (tag in labels) continue;
    const found = pattern.exec(dotted);
    const range = found?.indices?.[1];
    if (found === null || range === undefined) continue;
    labels[tag] = found[2] ?? '';
    taken.push(range);
  }
  return { name: `envoy_${without(dotted, taken).replace(/[^a-zA-Z0-9_]/g, '_')}`, labels };
}

/** Ranges may overlap. */
function without(text: string, ranges: readonly Range[]): string {
  let out = '';
  let at = 0;
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (from > at) out += text.slice(at, from);
    at = Math.max(at, to);
  }
  return out + text.slice(at);
}
