import type { Clock, KubeObject, NamespacedName } from '#domain';
import type { KubeStore } from '#kube-api';
import { addressOf } from '../kube-types.ts';
import { quotas } from '../quotas.ts';

export interface EventRecorder {
  /** A core/v1 Event about an object, as `kubectl describe` lists it; repeats are counted. */
  record(
    about: KubeObject,
    event: { readonly reason: string; readonly message: string; readonly type?: 'Normal' | 'Warning' },
  ): void;
}

interface Recorded {
  readonly name: string;
  readonly namespace: string;
  count: number;
}

export function createEventRecorder(options: {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly component: string;
  /** The node, for what a node tells. */
  readonly host?: string;
}): EventRecorder {
  const { store, clock, component, host } = options;
  const recorded = new Map<string, Recorded>();
  return {
    record: (about, { reason, message, type = 'Normal' }) => {
      const at = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      const key = `${about.metadata.uid}/${reason}/${message}`;
      const known = recorded.get(key);
      if (known !== undefined && store.get('Event', known) !== undefined) {
        known.count++;
        store.patch('Event', known, { count: known.count, lastTimestamp: at }, { changeId: 'system' });
        return;
      }
      const { namespace, name } = addressOf(about);
      // What happens in a namespace that goes is told to nobody: it takes no new content.
      if (isGoing(store, namespace)) return;
      const eventName = freeName(store, { namespace, name }, clock.now());
      recorded.set(key, { name: eventName, namespace, count: 1 });
      store.create(
        {
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name: eventName, namespace },
          involvedObject: {
            apiVersion: about.apiVersion,
            kind: about.kind,
            name,
            namespace,
            uid: about.metadata.uid ?? '',
          },
          reason,
          message,
          type,
          source: { component, ...(host === undefined ? {} : { host }) },
          firstTimestamp: at,
          lastTimestamp: at,
          count: 1,
        },
        { changeId: 'system' },
      );
      forgetOldest(store, recorded);
    },
  };
}

/** Names end with the time in nanoseconds, so that a list shows first what happened first. */
function freeName(store: KubeStore, { namespace, name }: NamespacedName, nowMs: number): string {
  const nameAt = (nanoseconds: bigint): string => `${name}.${nanoseconds.toString(16).padStart(16, '0')}`;
  let at = BigInt(Math.floor(nowMs)) * 1_000_000n;
  while (store.get('Event', { namespace, name: nameAt(at) }) !== undefined) at++;
  return nameAt(at);
}

function isGoing(store: KubeStore, name: string): boolean {
  if (name === '' || store.kinds.find('Namespace') === undefined) return false;
  const namespace = store.get('Namespace', { namespace: '', name });
  return namespace === undefined || namespace.metadata.deletionTimestamp !== undefined;
}

function forgetOldest(store: KubeStore, recorded: Map<string, Recorded>): void {
  for (const [key, event] of recorded) {
    if (recorded.size <= quotas.events) return;
    recorded.delete(key);
    if (store.get('Event', event) !== undefined) store.delete('Event', event, { changeId: 'system' });
  }
}
