import type { EventView } from '#contract';
import type { KubeObject } from '#domain';

/** Events of the lab that are kept, the oldest forgotten first. */
const KEPT = 400;

type LabEvent = Pick<EventView, 'reason' | 'message'> &
  Partial<Pick<EventView, 'type' | 'object' | 'namespace' | 'by'>>;

/** What happened in the lab that Kubernetes has no event for: applies, refusals, new certificates, checks. */
export class LabLog {
  readonly #events: EventView[] = [];
  #next = 1;

  note(atMs: number, event: LabEvent): void {
    this.#events.push({
      id: `lab-${this.#next++}`,
      atMs,
      source: 'lab',
      type: 'Normal',
      object: '',
      namespace: '',
      count: 1,
      by: 'lab',
      ...event,
    });
    if (this.#events.length > KEPT) this.#events.shift();
  }

  list(): readonly EventView[] {
    return this.#events;
  }
}

interface KubeEvent extends KubeObject {
  readonly involvedObject?: { readonly kind?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly type?: string;
  readonly count?: number;
  readonly lastTimestamp?: string;
  readonly firstTimestamp?: string;
  readonly source?: { readonly component?: string };
}

/** A core/v1 Event as a row of the view. */
export function kubeEventView(object: KubeObject): EventView {
  const event = object as KubeEvent;
  const { kind = '', name = '' } = event.involvedObject ?? {};
  const at = Date.parse(event.lastTimestamp ?? event.firstTimestamp ?? event.metadata.creationTimestamp ?? '');
  return {
    id: event.metadata.uid ?? event.metadata.name,
    atMs: Number.isNaN(at) ? 0 : at,
    source: 'kubernetes',
    type: event.type === 'Warning' ? 'Warning' : 'Normal',
    reason: event.reason ?? '',
    object: `${kind}/${name}`,
    namespace: event.metadata.namespace ?? '',
    message: event.message ?? '',
    count: event.count ?? 1,
    by: event.source?.component ?? '',
  };
}
