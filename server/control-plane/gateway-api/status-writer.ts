import { type Clock, errorMessage, parseApiVersion } from '#domain';
import type { KubeStore } from '#kube-api';
import { createDebounce, type DebounceTimes, labDebounce } from '../push/debounce.ts';
import { builtinClassObjects } from './classes.ts';
import type { GatewayApiFindings } from './derive.ts';
import type { InstanceLookup } from './gateway-instances.ts';
import { type StatusChange, statusChanges } from './statuses.ts';

export interface StatusWriterOptions {
  readonly store: KubeStore;
  readonly clock: Clock;
  /** What the present objects say. */
  readonly read: () => {
    readonly findings: GatewayApiFindings;
    readonly lookup: InstanceLookup;
    /** Of objects that are none of the Gateway API's. */
    readonly others: readonly StatusChange[];
  };
  readonly onError: (message: string) => void;
}

/** Writes the statuses of Gateway API objects and Ingresses back into the store, and keeps the built-in classes there. */
export interface StatusWriter {
  /** Something changed that a status may tell of; `changeId` is the change that rides on what is written. */
  touch(changeId: string, debounce?: DebounceTimes): void;
  /** Writes what is due, without waiting for more. */
  flush(): void;
  stop(): void;
}

const MANAGER = 'pilot-discovery';
const CLASS_KIND = 'GatewayClass.gateway.networking.k8s.io';

/**
 * Changes are gathered for a moment, as for pushes. What is written comes back as a change of its own, of which nothing is left to write,
 * so the writer comes to rest.
 */
export function createStatusWriter({ store, clock, read, onError }: StatusWriterOptions): StatusWriter {
  let latest = '';
  let latestFindings: GatewayApiFindings | undefined;
  const served = store.kinds.find(CLASS_KIND) !== undefined;
  const debounce = createDebounce(clock, labDebounce, () => {
    createClasses();
    const { findings, lookup, others } = read();
    // The same findings rest on the same objects: what is to be said of these alone was written then.
    const scope = findings === latestFindings ? 'instances' : 'all';
    latestFindings = findings;
    // Whole seconds, as Kubernetes writes times.
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    for (const change of [...statusChanges(findings, lookup, now, scope), ...others]) write(change);
  });
  return {
    touch(changeId, times) {
      latest = changeId;
      if (served) debounce.touch(times);
    },
    flush: () => debounce.flush(),
    stop: () => debounce.cancel(),
  };

  function createClasses(): void {
    for (const object of builtinClassObjects()) {
      if (store.get(CLASS_KIND, { namespace: '', name: object.metadata.name }) !== undefined) continue;
      attempt(`GatewayClass ${object.metadata.name}`, () => {
        store.create(object, { changeId: latest, fieldManager: MANAGER });
      });
    }
  }

  function write({ object, status }: StatusChange): void {
    const { name, namespace = '' } = object.metadata;
    const kind = `${object.kind}.${parseApiVersion(object.apiVersion).group}`;
    // An object that went meanwhile needs no status.
    if (store.get(kind, { namespace, name }) === undefined) return;
    attempt(`status of ${object.kind} ${namespace}/${name}`, () => {
      store.updateStatus(kind, { namespace, name }, status, { changeId: latest, fieldManager: MANAGER });
    });
  }

  /** One object that cannot be written must not keep the others from it. */
  function attempt(what: string, act: () => void): void {
    try {
      act();
    } catch (cause) {
      onError(`${what}: ${errorMessage(cause)}`);
    }
  }
}
