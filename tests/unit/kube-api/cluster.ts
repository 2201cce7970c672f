import type { Clock, KubeObject } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import {
  coreKinds,
  createKindRegistry,
  createKubeStore,
  KubeStatusError,
  type KubeStore,
  type WatchEvent,
} from '#kube-api';

export const startMs = Date.parse('2026-03-01T10:00:00Z');

export function fixedClock(): Clock & { advance(ms: number): void } {
  let now = startMs;
  return {
    now: () => now,
    monotonic: () => now - startMs,
    after: () => ({ cancel: () => undefined }),
    advance: (ms) => {
      now += ms;
    },
  };
}

export const kinds = createKindRegistry([...coreKinds, ...istioKinds, ...gatewayKinds]);

export function newStore(options: { maxObjects?: number } = {}): KubeStore {
  return createKubeStore({ kinds, clock: fixedClock(), ...options });
}

export const change = { changeId: 'c1' };

export function deployment(name: string, more: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: 'default' },
    spec: {
      selector: { matchLabels: { app: name } },
      template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'app', image: 'img:1' }] } },
      ...more,
    },
  };
}

export function configMap(name: string, data: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data };
}

export function service(name: string, spec: Record<string, unknown>): KubeObject {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec };
}

export function podOwnedBy(name: string, owners: readonly KubeObject[]): KubeObject {
  const ownerReferences = owners.map((owner) => ({
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.metadata.name,
    uid: owner.metadata.uid ?? '',
  }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', ownerReferences },
    spec: { containers: [{ name: 'app', image: 'img:1' }] },
  };
}

/** What the store refuses with. */
export function refusal(act: () => unknown): KubeStatusError {
  try {
    act();
  } catch (error) {
    if (error instanceof KubeStatusError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

export function record(store: KubeStore, kind = '*'): string[] {
  const seen: string[] = [];
  store.watch(kind, (event: WatchEvent) => {
    seen.push(`${event.type} ${event.object.kind}/${event.object.metadata.name}`);
  });
  return seen;
}
