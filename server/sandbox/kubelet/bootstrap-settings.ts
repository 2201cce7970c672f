import { nodeLocality, ownLocality } from '#control-plane';
import { type BootstrapSettings, type HistogramBounds, type StatsInclusion, selfDiscovery } from '#data-plane';
import type { KubeStore } from '#kube-api';
import type { AdsVariant } from '#xds';
import type { PodObject } from '../kube-types.ts';
import { settingsOfPod } from '../mesh/proxy-config.ts';

/**
 * What the pod's annotations and its proxy's settings, `environment` among them, change of the bootstrap. Source: getStatsOptions in istio
 * pkg/bootstrap/config.go.
 */
export function bootstrapSettings(
  store: KubeStore,
  pod: PodObject,
  environment: Readonly<Record<string, string>> = {},
): BootstrapSettings {
  const { annotations = {} } = pod.metadata;
  const settings = settingsOfPod(store, pod);
  const locality = localityOf(store, pod);
  const { proxyStatsMatcher, extraStatTags, statsCompression, runtimeValues } = settings as Settings;
  return {
    statsInclusion: statsInclusion(proxyStatsMatcher ?? {}, annotations),
    extraStatTags: extraTags(extraStatTags, annotations[EXTRA_TAGS]),
    histogramBounds: histogramBounds(annotations[HISTOGRAM_BUCKETS]),
    statsCompression: statsCompression !== false,
    runtimeValues: Object.fromEntries(
      Object.entries(runtimeValues ?? {}).map(([name, value]) => [name, String(value)]),
    ),
    maxConnections: maxConnections(settings.proxyMetadata ?? {}, runtimeValues ?? {}),
    variant: adsVariant({ ...settings.proxyMetadata, ...environment }),
    locality,
    ...selfDiscovery(environment, { locality }),
  };
}

/** As Istio's agent finds it: by the pod's own labels, else by what the machine's cloud says, which labels its node so. */
function localityOf(store: KubeStore, { metadata, spec }: PodObject): BootstrapSettings['locality'] {
  const own = ownLocality(metadata.labels ?? {});
  if (own !== undefined) return own;
  const node = spec.nodeName === undefined ? undefined : store.get('Node', { namespace: '', name: spec.nodeName });
  const { region, zone, subZone } = nodeLocality(node?.metadata.labels ?? {});
  return region || zone || subZone ? { region, zone, subZone } : undefined;
}

/** Delta, unless it is switched off; what Go's ParseBool cannot read switches nothing. Source: ISTIO_DELTA_XDS in istio pilot/pkg/features. */
const adsVariant = (environment: Readonly<Record<string, unknown>>): AdsVariant =>
  /^(?:0|f|F|FALSE|false|False)$/.test(String(environment['ISTIO_DELTA_XDS'] ?? '')) ? 'state of the world' : 'delta';

/** By a variable, else by a value of the runtime that older releases read; what is no whole number counts as nothing. */
function maxConnections(
  environment: Readonly<Record<string, unknown>>,
  runtimeValues: Readonly<Record<string, unknown>>,
): number | undefined {
  const given = [
    environment['ISTIO_META_GLOBAL_DOWNSTREAM_MAX_CONNECTIONS'],
    runtimeValues['overload.global_downstream_max_connections'],
  ];
  const text = given.map((value) => String(value ?? '')).find((value) => /^[+-]?\d+$/.test(value));
  return text === undefined ? undefined : Number(text);
}

/** Fields that settings may have beside those that injection reads. */
interface Settings {
  readonly proxyStatsMatcher?: Readonly<Record<string, unknown>>;
  readonly extraStatTags?: unknown;
  readonly statsCompression?: unknown;
  readonly runtimeValues?: Readonly<Record<string, unknown>>;
}

type Annotations = Readonly<Record<string, string>>;

const EXTRA_TAGS = 'sidecar.istio.io/extraStatTags';
const HISTOGRAM_BUCKETS = 'sidecar.istio.io/statsHistogramBuckets';

/** Annotations by the field of proxyStatsMatcher that they stand for. */
const INCLUSIONS = {
  inclusionPrefixes: 'sidecar.istio.io/statsInclusionPrefixes',
  inclusionSuffixes: 'sidecar.istio.io/statsInclusionSuffixes',
  inclusionRegexps: 'sidecar.istio.io/statsInclusionRegexps',
} as const;

/** Field by field, an annotation counts before the settings. Undefined where nobody has said. */
function statsInclusion(
  matcher: Readonly<Record<string, unknown>>,
  annotations: Annotations,
): StatsInclusion | undefined {
  const wanted = (field: keyof typeof INCLUSIONS): string[] | undefined => {
    const told = annotations[INCLUSIONS[field]];
    if (told) return told.split(',');
    const listed = matcher[field];
    return Array.isArray(listed) ? listed.map(String) : undefined;
  };
  const [prefixes, suffixes, regexps] = (['inclusionPrefixes', 'inclusionSuffixes', 'inclusionRegexps'] as const).map(
    wanted,
  );
  if (prefixes === undefined && suffixes === undefined && regexps === undefined) return undefined;
  return { prefixes: prefixes ?? [], suffixes: suffixes ?? [], regexps: regexps ?? [] };
}

/** Those of the settings and of the annotation together, each once. */
function extraTags(listed: unknown, annotation = ''): string[] {
  const own = Array.isArray(listed) ? listed.map(String) : [];
  return [...new Set([...own, ...annotation.split(',')])].filter((tag) => tag !== '');
}

/** `{"prefix": [bounds]}`, by prefix. What cannot be read counts as nothing, as in Istio. */
function histogramBounds(annotation: string | undefined): HistogramBounds[] {
  if (annotation === undefined) return [];
  let read: unknown;
  try {
    read = JSON.parse(annotation);
  } catch {
    return [];
  }
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return [];
  const entries = Object.entries(read as Readonly<Record<string, unknown>>);
  if (!entries.every(([, bounds]) => isNumbers(bounds))) return [];
  return entries
    .map(([prefix, bounds]) => ({ prefix, bounds: bounds as readonly number[] }))
    .sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
}

const isNumbers = (value: unknown): boolean => Array.isArray(value) && value.every((each) => typeof each === 'number');
