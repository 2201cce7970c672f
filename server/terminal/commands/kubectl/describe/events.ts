import { ageSince, type KubeObject } from '#domain';
import type { ShellContext } from '../../../command.ts';
import { columnWidths, formatRows } from '../../../table.ts';

export interface EventFields extends KubeObject {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTimestamp?: string;
  readonly firstTimestamp?: string;
  readonly eventTime?: string;
  readonly count?: number;
  readonly series?: { readonly count?: number; readonly lastObservedTime?: string };
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

/** When an event was seen first and last, and how often. */
export function timesOf(event: EventFields): {
  readonly firstMs: number;
  readonly lastMs: number;
  readonly count: number;
} {
  const created = event.metadata.creationTimestamp ?? '';
  const first = event.firstTimestamp ?? event.eventTime ?? created;
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? first;
  return { firstMs: Date.parse(first), lastMs: Date.parse(last), count: event.series?.count ?? event.count ?? 1 };
}

const MAX_EVENTS = 20;

const eventsOf = (object: KubeObject, context: ShellContext): EventFields[] =>
  (context.sandbox.store.list('Event', { namespace: object.metadata.namespace ?? 'default' }) as EventFields[]).filter(
    ({ involvedObject }) => involvedObject?.kind === object.kind && involvedObject.name === object.metadata.name,
  );

export const hasEvents = (object: KubeObject, context: ShellContext): boolean => eventsOf(object, context).length > 0;

/** The newest events about an object, as the end of `kubectl describe`. */
export function describeEvents(object: KubeObject, context: ShellContext): string[] {
  const own = eventsOf(object, context);
  if (own.length === 0) return object.kind === 'Service' ? [] : ['Events:  <none>'];
  const rows = own
    .slice(-MAX_EVENTS)
    .map((event) => [
      event.type ?? 'Normal',
      event.reason ?? '',
      ageSince(event.lastTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp, context.clock.now()),
      event.source?.component ?? event.reportingComponent ?? '',
      event.message ?? '',
    ]);
  const head = ['Type', 'Reason', 'Age', 'From', 'Message'];
  const all = [head, head.map((title) => '-'.repeat(title.length)), ...rows];
  return [
    'Events:',
    ...formatRows(all, columnWidths(all), 2)
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
  ];
}
