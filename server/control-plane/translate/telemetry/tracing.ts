import type { HttpConnectionManager } from '#xds';
import type { MeshConfig } from '../../doors.ts';
import { compareText } from '../../snapshot/config.ts';
import type { MeshSnapshot } from '../../snapshot/mesh-snapshot.ts';
import type { TagSource, Telemetry, Tracing } from '../../snapshot/telemetries.ts';
import type { ProxyView } from '../proxy-view.ts';
import { applies, type LogMode } from './access-logging.ts';
import { spanExporter } from './span-exporters.ts';
import { customTags, istioTags } from './span-tags.ts';

type HcmTracing = NonNullable<HttpConnectionManager['tracing']>;

/** How the HTTP connection managers of one side trace. */
export interface SideTracing {
  /** Undefined: they do not. */
  readonly tracing: HcmTracing | undefined;
  /** Whether an x-request-id carries the decision to trace. */
  readonly requestIdDecides: boolean;
}

export interface TracingInput {
  readonly snapshot: MeshSnapshot;
  readonly proxy: ProxyView;
  /** Those that hold for the proxy, widest first. */
  readonly telemetries: readonly Telemetry[];
}

/**
 * Tracing by Telemetry and the mesh's default provider, else by the mesh's proxy configuration. Telemetry without any provider that can
 * trace switches tracing off. Source: configureTracing in istio pilot.
 */
export function tracingOf({ snapshot, proxy, telemetries }: TracingInput, mode: LogMode): SideTracing {
  const { mesh } = snapshot;
  const entries = telemetries.flatMap(({ spec }) => spec.tracing ?? []);
  const byDefault = mesh.defaultProviders['tracing']?.[0];
  if (entries.length === 0 && byDefault === undefined) {
    return { tracing: mesh.enableTracing === false ? undefined : meshTracing(mesh, proxy), requestIdDecides: true };
  }
  const wish = wishOf(entries, mode);
  const name = wish.providers?.[0]?.name ?? byDefault;
  const provider = mesh.extensionProviders.find((each) => each.name.toLowerCase() === name?.toLowerCase());
  const exporter = provider && wish.disableSpanReporting !== true && spanExporter(snapshot, proxy, provider);
  if (!exporter) return { tracing: undefined, requestIdDecides: true };
  const { samples, ...exports } = exporter;
  const share = samples ? 100 : (wish.randomSamplingPercentage ?? mesh.tracingSampling);
  return {
    tracing: {
      ...sampling(share),
      ...pathTag(mesh),
      ...exports,
      ...tagged(mesh, proxy, { istio: wish.enableIstioTags !== false, own: wish.customTags ?? {} }),
      ...(wish.disableContextPropagation === true && { no_context_propagation: true }),
    },
    requestIdDecides: wish.useRequestIdForTraceSampling !== false,
  };
}

/** A field of a later entry replaces that of an earlier one as a whole, lists of tags included. */
function wishOf(entries: readonly Tracing[], mode: LogMode): Tracing {
  const wish: Tracing = {};
  for (const entry of entries) {
    const { providers, ...fields } = entry;
    if (applies(entry, mode)) Object.assign(wish, fields, providers?.length ? { providers } : {});
  }
  return wish;
}

const meshTracing = (mesh: MeshConfig, proxy: ProxyView): HcmTracing => ({
  ...sampling(mesh.tracingSampling),
  ...pathTag(mesh),
  ...tagged(mesh, proxy, { istio: mesh.defaultConfig?.tracing?.enableIstioTags !== false, own: {} }),
});

const sampling = (share: number): HcmTracing => ({
  client_sampling: { value: 100 },
  random_sampling: share === 0 ? {} : { value: share },
  overall_sampling: { value: 100 },
});

const pathTag = ({ defaultConfig }: MeshConfig): HcmTracing => {
  const length = defaultConfig?.tracing?.maxPathTagLength;
  return length ? { max_path_tag_length: length } : {};
};

/** Tags in the order of their names; those of the proxy configuration where Telemetry has none. */
function tagged(
  mesh: MeshConfig,
  proxy: ProxyView,
  { istio, own }: { readonly istio: boolean; readonly own: Readonly<Record<string, TagSource>> },
): HcmTracing {
  const chosen = Object.keys(own).length > 0 ? own : (mesh.defaultConfig?.tracing?.customTags ?? {});
  const tags = [...(istio ? istioTags(proxy) : []), ...customTags(chosen)];
  return tags.length === 0 ? {} : { custom_tags: tags.sort((a, b) => compareText(a.tag, b.tag)) };
}
