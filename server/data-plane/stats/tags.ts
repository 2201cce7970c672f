import { type StatsTag, statsTags } from '../agent/bootstrap-settings.ts';

/** What a dotted name becomes in Prometheus' format. */
export interface TaggedName {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

interface Extractor {
  readonly tag: string;
  /** Its first group is taken out of the name, its second is the label's value; the first that matches counts. */
  readonly patterns: readonly RegExp[];
}

/** Names of clusters and connection managers end with `;` under Istio; these are for configuration that is not Istio's. */
const WITHOUT_SEMICOLON: Readonly<Record<string, RegExp>> = {
  cluster_name:
    /^cluster(\.([^;]+?))\.(?:(?:(?:external|internal)\.)?upstream_|(?:membership|lb|update|assignment|http1|http2|ssl|outlier_detection|circuit_breakers|health_check|ext_authz|ratelimit|grpc)[_.]|retry_or_shadow|max_host_weight|bind_errors|original_dst|version|warming)/d,
  http_conn_manager_prefix:
    /^http\.(([^;]+?)\.)(?:downstream_|fault\.|rbac\.|jwt_authn\.|ext_authz\.|tracing\.|no_route|no_cluster|rq_|rs_|passthrough_)/d,
};

/** Such expressions are tried last. Source: extractRegexPrefix in source/common/stats/tag_extractor_impl.cc of Envoy. */
const BEGINS_WITH_TOKEN = /^\^\w+(?:\\\.|\(\?=\\\.\))/;

/** In the order in which Envoy tries them, which is that of the labels. */
function extractorsOf(tags: readonly StatsTag[]): readonly Extractor[] {
  const late = (tag: StatsTag): boolean => BEGINS_WITH_TOKEN.test(tag.regex);
  return [...tags.filter((tag) => !late(tag)), ...tags.filter(late)].map(({ tag_name, regex }) => ({
    tag: tag_name,
    patterns: [new RegExp(regex.replaceAll('[:digit:]', '\\d'), 'd'), WITHOUT_SEMICOLON[tag_name]].filter(
      (pattern) => pattern !== undefined,
    ),
  }));
}

type Range = readonly [from: number, to: number];

/** Names repeat from scrape to scrape and from proxy to proxy. */
const MAX_KNOWN = 20_000;

/** Takes the parts that are labels out of names: those of Istio's bootstrap, and more that a proxy asks for. */
export function tagReader(extra: readonly string[] = []): (dotted: string) => TaggedName {
  if (extra.length === 0) return extractTags;
  return remembering(extractorsOf(statsTags(extra.map(escaped))));
}

/** Istio puts the name into an expression as it is; here no name is more than text. */
const escaped = (name: string): string => name.replace(/[^\w-]/g, '\\$&');

/** Istio's own. */
export const extractTags = remembering(extractorsOf(statsTags()));

function remembering(extractors: readonly Extractor[]): (dotted: string) => TaggedName {
  const known = new Map<string, TaggedName>();
  return (dotted) => {
    const before = known.get(dotted);
    if (before !== undefined) return before;
    const tagged = readTags(dotted, extractors);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(dotted, tagged);
    return tagged;
  };
}

/** Figures of one host have labels of their own, whatever tags a proxy has. */
const OF_HOST = /^cluster\.(.+)\.endpoint\.(.+)_(\d+)\.(cx_\w+|rq_\w+|healthy)$/;

function readTags(dotted: string, extractors: readonly Extractor[]): TaggedName {
  const [, cluster = '', ip, port, figure] = OF_HOST.exec(dotted) ?? [];
  if (figure !== undefined) {
    const labels = { envoy_cluster_name: cluster, envoy_endpoint_address: `${ip}:${port}` };
    return { name: `envoy_cluster_endpoint_${figure}`, labels };
  }
  const labels: Record<string, string> = {};
  const taken: Range[] = [];
  for (const { tag, patterns } of extractors) {
    const found = firstMatch(dotted, patterns);
    const range = found?.indices?.[1];
    if (found === undefined || range === undefined) continue;
    labels[tag] = found[2] ?? '';
    taken.push(range);
  }
  return { name: `envoy_${without(dotted, taken).replace(/[^a-zA-Z0-9_]/g, '_')}`, labels };
}

function firstMatch(text: string, patterns: readonly RegExp[]): RegExpExecArray | undefined {
  for (const pattern of patterns) {
    const found = pattern.exec(text);
    if (found !== null) return found;
  }
  return undefined;
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
