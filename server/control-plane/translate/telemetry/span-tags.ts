import type { TagSource } from '../../snapshot/telemetries.ts';
import type { ProxyView } from '../proxy-view.ts';

/** One entry of an HCM's `tracing.custom_tags`: an envoy.type.tracing.v3.CustomTag. */
export type SpanTag = Readonly<Record<string, unknown>> & { readonly tag: string };

const literal = (tag: string, value: string): SpanTag => ({ tag, literal: { value } });

/** What a dry-run AuthorizationPolicy would have done, as the RBAC filter leaves it in metadata. */
const DRY_RUN_TAGS: readonly SpanTag[] = (['allow', 'deny'] as const).flatMap((action) =>
  (
    [
      ['name', 'effective_policy_id'],
      ['result', 'engine_result'],
    ] as const
  ).map(([fact, key]) => ({
    tag: `istio.authorization.dry_run.${action}_policy.${fact}`,
    metadata: {
      kind: { request: {} },
      metadata_key: {
        key: 'envoy.filters.http.rbac',
        path: [{ key: `istio_dry_run_${action}_shadow_${key}` }],
      },
    },
  })),
);

/** Which service of which mesh a span is about. Source: buildServiceTags in istio pilot. */
export const serviceTags = (proxy: ProxyView): SpanTag[] => [
  literal('istio.canonical_revision', proxy.labels['service.istio.io/canonical-revision'] || 'latest'),
  literal('istio.canonical_service', proxy.labels['service.istio.io/canonical-name'] || 'unknown'),
  literal('istio.mesh_id', named(proxy, 'MESH_ID')),
  literal('istio.namespace', proxy.namespace),
  literal('istio.cluster_id', named(proxy, 'CLUSTER_ID')),
];

/** The tags that Istio gives every span. */
export const istioTags = (proxy: ProxyView): SpanTag[] => [...serviceTags(proxy), ...DRY_RUN_TAGS];

const named = ({ metadata }: ProxyView, field: string): string => {
  const value = metadata[field];
  return typeof value === 'string' && value !== '' ? value : 'unknown';
};

/** What Telemetry or ProxyConfig wants in every span, by the tag's name. */
export const customTags = (tags: Readonly<Record<string, TagSource>>): SpanTag[] =>
  Object.entries(tags).map(([tag, { literal: text, environment, header, formatter }]) => ({
    tag,
    ...(text && { literal: { value: text.value ?? '' } }),
    ...(environment && { environment: withDefault(environment) }),
    ...(header && { request_header: withDefault(header) }),
    ...(formatter && { value: formatter.value ?? '' }),
  }));

const withDefault = ({ name = '', defaultValue }: { readonly name?: string; readonly defaultValue?: string }) => ({
  name,
  ...(defaultValue && { default_value: defaultValue }),
});
