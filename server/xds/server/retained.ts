import type { XdsSnapshot } from '../doors.ts';
import { type TypeUrl, typeUrls } from '../resources.ts';
import type { ResourcesByName, TypeState } from './type-state.ts';

const NONE: ResourcesByName = new Map();

/** Types whose removal waits until nothing on the proxy can still send traffic there. */
export const retainedTypes: readonly TypeUrl[] = [typeUrls.cluster, typeUrls.endpoint];

export const isRetained = (typeUrl: TypeUrl): boolean => retainedTypes.includes(typeUrl);

/**
 * The last step of make before break: clusters and endpoints that a new snapshot drops stay in force on a stream until its
 * listeners and routes are settled on the new configuration. Unlike istiod, which removes at once and lets a request in
 * between fail with NC.
 */
export interface RetainedResources {
  readonly empty: boolean;
  /** To be called when `next` replaces `previous`. */
  keep(previous: XdsSnapshot | undefined, next: XdsSnapshot, states: ReadonlyMap<string, TypeState>): void;
  /** What is in force of a type: the snapshot's resources and those that are retained. */
  inForce(snapshot: XdsSnapshot, typeUrl: TypeUrl): ResourcesByName;
  release(): void;
}

export function createRetainedResources(): RetainedResources {
  const kept = new Map<TypeUrl, ResourcesByName>();
  const inForce = (snapshot: XdsSnapshot, typeUrl: TypeUrl): ResourcesByName => {
    const current = snapshot.resources.get(typeUrl) ?? NONE;
    const extra = kept.get(typeUrl);
    return extra ? new Map([...extra, ...current]) : current;
  };
  return {
    get empty() {
      return kept.size === 0;
    },
    inForce,
    keep(previous, next, states) {
      if (!previous) return;
      for (const typeUrl of retainedTypes) {
        if (!kept.has(typeUrl) && previous.resources.get(typeUrl) === next.resources.get(typeUrl)) continue;
        const held = states.get(typeUrl)?.known;
        const present = next.resources.get(typeUrl) ?? NONE;
        const dropped = [...inForce(previous, typeUrl)].filter(([name]) => !present.has(name) && held?.has(name));
        if (dropped.length > 0) kept.set(typeUrl, new Map(dropped));
        else kept.delete(typeUrl);
      }
    },
    release: () => kept.clear(),
  };
}
