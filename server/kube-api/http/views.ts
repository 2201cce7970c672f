import type { KubeObject } from '#domain';
import type { KindRegistry, ServedKind } from '../doors.ts';
import { isRecord, type JsonRecord } from '../json.ts';
import { at, textAt } from '../kinds/columns.ts';
import { eventKind } from '../kinds/plain.ts';
import { horizontalPodAutoscalerKind } from '../kinds/policies.ts';
import { typeSchema } from '../types/type-schema.ts';

/** A resource that shows the objects of another kind in a form of its own: an older or newer version with other fields. */
export interface View {
  readonly kind: ServedKind;
  /** The kind that is stored. */
  readonly of: ServedKind;
  show(object: KubeObject): KubeObject;
  read(object: KubeObject): KubeObject;
}

/** Fields of events by their names in events.k8s.io and in the core group. */
const EVENT_FIELDS: readonly (readonly [newer: string, core: string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['deprecatedSource', 'source'],
  ['deprecatedCount', 'count'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['reportingController', 'reportingComponent'],
];

function renamed(object: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const entries = Object.entries(object).map(([key, value]) => [names.get(key) ?? key, value] as const);
  return { ...(Object.fromEntries(entries) as KubeObject), apiVersion };
}

const toNewer = new Map(EVENT_FIELDS.map(([newer, core]) => [core, newer]));
const toCore = new Map(EVENT_FIELDS.map(([newer, core]) => [newer, core]));

const events: View = {
  of: eventKind,
  kind: { ...eventKind, group: 'events.k8s.io', schema: () => typeSchema('events.v1.Event') },
  show: (object) => renamed(object, toNewer, 'events.k8s.io/v1'),
  read: (object) => renamed(object, toCore, 'v1'),
};

const CPU = 'targetCPUUtilizationPercentage';

function showAutoscaler(object: KubeObject): KubeObject {
  const { metrics, behavior: _, ...spec } = isRecord(object.spec) ? object.spec : ({} as JsonRecord);
  const cpu = (Array.isArray(metrics) ? metrics : []).find((metric) => textAt(metric, 'resource.name') === 'cpu');
  const target = at(cpu, 'resource.target.averageUtilization');
  const shown = target === undefined ? spec : { ...spec, [CPU]: target };
  return { ...object, apiVersion: 'autoscaling/v1', spec: shown };
}

function readAutoscaler(object: KubeObject): KubeObject {
  const { [CPU]: target, ...spec } = isRecord(object.spec) ? object.spec : ({} as JsonRecord);
  const resource = { name: 'cpu', target: { type: 'Utilization', averageUtilization: target ?? 80 } };
  return { ...object, apiVersion: 'autoscaling/v2', spec: { ...spec, metrics: [{ type: 'Resource', resource }] } };
}

const autoscalers: View = {
  of: horizontalPodAutoscalerKind,
  kind: {
    ...horizontalPodAutoscalerKind,
    versions: ['v1'],
    schema: () => typeSchema('autoscaling.v1.HorizontalPodAutoscaler'),
  },
  show: showAutoscaler,
  read: readAutoscaler,
};

/** The views of those kinds that a registry has. */
export const servedViews = (registry: KindRegistry): View[] =>
  [events, autoscalers].filter((view) => registry.all.includes(view.of));
