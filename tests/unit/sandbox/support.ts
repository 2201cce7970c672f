import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import { istioKinds } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore, type KubeStore } from '#kube-api';
import { manualClock } from '../workloads/support.ts';

export const changeId = 'test';

interface NewStore {
  readonly store: KubeStore;
  readonly clock: ReturnType<typeof manualClock>;
}

export const newStore = (): NewStore => storeOf(coreKinds);

/** With Istio's kinds too. */
export const newMeshStore = (): NewStore => storeOf([...coreKinds, ...istioKinds]);

function storeOf(definitions: Parameters<typeof createKindRegistry>[0]): NewStore {
  const clock = manualClock();
  const kinds = createKindRegistry(definitions);
  return { clock, store: createKubeStore({ kinds, clock, random: seededRandom('test') }) };
}

/** Lets the work queues run until they have nothing left to do. */
export async function settle(turns = 12): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}

export const deployment = (name: string, spec: object = {}, template: object = {}): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default', labels: { app: name } },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name, version: 'v1' } },
      spec: {
        containers: [
          { name, image: 'meshwork/inventory:1.0', ports: [{ name: 'http', containerPort: 8080 }], ...template },
        ],
      },
    },
    ...spec,
  },
});

export const service = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 'http' }], ...spec },
});

export const names = (objects: readonly KubeObject[]): string[] => objects.map(({ metadata }) => metadata.name).sort();
