import type { KubeStore } from '#kube-api';
import type { PodFound } from '#workloads';
import { type ContainerSpec, isEnding, isReady, type PodObject } from '../kube-types.ts';

/** The running pods as a program finds them that asks the API server, as Prometheus does. */
export function podsFound(store: KubeStore): PodFound[] {
  return (store.list('Pod') as PodObject[]).flatMap((pod) => {
    const { metadata, spec, status } = pod;
    if (status?.phase !== 'Running' || status.podIP === undefined || isEnding(pod)) return [];
    const found = (container: ContainerSpec, init: boolean): PodFound['containers'][number] => ({
      name: container.name,
      init,
      ports: (container.ports ?? []).map(({ name = '', containerPort }) => ({ name, number: containerPort })),
    });
    return [
      {
        name: metadata.name,
        namespace: metadata.namespace ?? '',
        ip: status.podIP,
        ready: isReady(pod),
        labels: metadata.labels ?? {},
        annotations: metadata.annotations ?? {},
        containers: [
          ...(spec.initContainers ?? []).map((each) => found(each, true)),
          ...spec.containers.map((each) => found(each, false)),
        ],
      },
    ];
  });
}
