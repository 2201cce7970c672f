import type { KubeObject } from '#domain';
import { type Config, compareText, toConfig } from './config.ts';
import { attaches, type PolicySubject, type TargetedSpec, targetReferences } from './policy-target.ts';

/** One entry of `accessLogging`: which requests are logged, and where. */
export interface AccessLogging {
  readonly match?: { readonly mode?: 'CLIENT_AND_SERVER' | 'CLIENT' | 'SERVER' };
  readonly providers?: readonly { readonly name?: string }[];
  readonly disabled?: boolean;
  /** A CEL expression over Envoy's attributes. */
  readonly filter?: { readonly expression?: string };
}

/** Where a span's tag comes from: one of the four. */
export interface TagSource {
  readonly literal?: { readonly value?: string };
  readonly environment?: { readonly name?: string; readonly defaultValue?: string };
  readonly header?: { readonly name?: string; readonly defaultValue?: string };
  readonly formatter?: { readonly value?: string };
}

/** One entry of `tracing`: who gets spans, how many, and what stands in them. */
export interface Tracing {
  readonly match?: { readonly mode?: 'CLIENT_AND_SERVER' | 'CLIENT' | 'SERVER' };
  readonly providers?: readonly { readonly name?: string }[];
  /** Percent of the requests that nobody has decided about yet. */
  readonly randomSamplingPercentage?: number;
  readonly disableSpanReporting?: boolean;
  readonly customTags?: Readonly<Record<string, TagSource>>;
  readonly useRequestIdForTraceSampling?: boolean;
  readonly enableIstioTags?: boolean;
  readonly disableContextPropagation?: boolean;
}

/** One entry of `metrics[].overrides`. */
export interface MetricsOverride {
  readonly match?: {
    readonly metric?: string;
    readonly customMetric?: string;
    readonly mode?: 'CLIENT_AND_SERVER' | 'CLIENT' | 'SERVER';
  };
  readonly disabled?: boolean;
  readonly tagOverrides?: Readonly<
    Record<string, { readonly operation?: 'UPSERT' | 'REMOVE'; readonly value?: string }>
  >;
}

/** One entry of `metrics`: who gets them, and how they differ from Istio's. */
export interface Metrics {
  readonly providers?: readonly { readonly name?: string }[];
  readonly overrides?: readonly MetricsOverride[];
  readonly reportingInterval?: string;
}

export interface TelemetrySpec extends TargetedSpec {
  readonly metrics?: readonly Metrics[];
  readonly tracing?: readonly Tracing[];
  readonly accessLogging?: readonly AccessLogging[];
}

export type Telemetry = Config<TelemetrySpec>;

/** Oldest first: of those for a whole namespace only the first counts. */
export const deriveTelemetries = (objects: readonly KubeObject[]): readonly Telemetry[] =>
  objects
    .map((object) => toConfig<TelemetrySpec>(object))
    .sort((a, b) => a.createdMs - b.createdMs || compareText(a.name, b.name) || compareText(a.namespace, b.namespace));

/**
 * The Telemetry of one workload: the mesh's, its namespace's, then those that select it; later ones override earlier ones.
 * Source: applicableTelemetries in istio pilot.
 */
export function telemetriesFor(
  all: readonly Telemetry[],
  subject: PolicySubject,
  rootNamespace: string,
): readonly Telemetry[] {
  const wide = (namespace: string): Telemetry[] =>
    all.filter((each) => each.namespace === namespace && !isSelective(each)).slice(0, 1);
  return [
    ...wide(rootNamespace),
    ...(subject.namespace === rootNamespace ? [] : wide(subject.namespace)),
    ...all.filter((each) => each.namespace === subject.namespace && isSelective(each) && attaches(each, subject)),
  ];
}

const isSelective = ({ spec }: Telemetry): boolean =>
  Object.keys(spec.selector?.matchLabels ?? {}).length > 0 || targetReferences(spec).length > 0;
