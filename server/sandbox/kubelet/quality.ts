import type { ContainerSpec, PodObject } from '../kube-types.ts';

type Amounts = Readonly<Record<string, string>>;

interface Resources {
  readonly requests?: Amounts;
  readonly limits?: Amounts;
}

const COUNTED = ['cpu', 'memory'] as const;
const resourcesOf = (container: ContainerSpec): Resources => (container['resources'] ?? {}) as Resources;

/** The class of quality of service, by what the containers ask for. Source: ComputePodQOS in kubernetes' pkg/apis/core/helper/qos. */
export function qosClass({ spec }: PodObject): 'BestEffort' | 'Burstable' | 'Guaranteed' {
  const all = [...spec.containers, ...(spec.initContainers ?? [])].map(resourcesOf);
  const asks = all.some(({ requests = {}, limits = {} }) => COUNTED.some((each) => each in requests || each in limits));
  if (!asks) return 'BestEffort';
  const fixed = all.every(({ requests = {}, limits = {} }) =>
    COUNTED.every((each) => each in limits && (requests[each] ?? limits[each]) === limits[each]),
  );
  return fixed ? 'Guaranteed' : 'Burstable';
}
