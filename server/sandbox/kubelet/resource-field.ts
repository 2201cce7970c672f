import type { KubeStore } from '#kube-api';
import type { ContainerSpec, PodObject } from '../kube-types.ts';

export interface ResourceField {
  readonly containerName?: string;
  /** `limits.cpu`, `requests.memory` */
  readonly resource: string;
  readonly divisor?: string;
}

type Amounts = Readonly<Record<string, string | number>>;

const SUFFIXES: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)([numkMGTPE]|[KMGTPE]i)?$/;

/** A quantity of Kubernetes as a number: `100m` → 0.1, `1Gi` → 1073741824; undefined for text that is none. */
export function quantityOf(text: string | number): number | undefined {
  const [, number, suffix = ''] = QUANTITY.exec(String(text)) ?? [];
  return number === undefined ? undefined : Number(number) * (SUFFIXES[suffix] ?? 1);
}

/**
 * What a container may use, or asks for, in whole multiples of the divisor, rounded up. Where it says nothing, a limit is what its node can
 * give, and a request is nothing. Source: ExtractContainerResourceValue in kubernetes' pkg/api/v1/resource.
 */
export function resourceText(
  { resource, divisor = '1' }: ResourceField,
  container: ContainerSpec,
  { store, pod }: { readonly store: KubeStore; readonly pod: PodObject },
): string {
  const [which = '', ...rest] = resource.split('.');
  const name = rest.join('.');
  const { limits = {}, requests = {} } = (container['resources'] ?? {}) as { limits?: Amounts; requests?: Amounts };
  const own = which === 'limits' ? limits[name] : (requests[name] ?? limits[name]);
  const amount = own ?? (which === 'limits' ? nodeAmount(name, { store, pod }) : 0);
  // A divisor of 0 means 1.
  const unit = quantityOf(divisor) || 1;
  // What cannot be told apart by a double is no remainder.
  return String(Math.ceil(Number(((quantityOf(amount) ?? 0) / unit).toPrecision(15))));
}

function nodeAmount(
  name: string,
  { store, pod }: { readonly store: KubeStore; readonly pod: PodObject },
): string | number {
  const node = store.get('Node', { namespace: '', name: pod.spec.nodeName ?? '' });
  const { allocatable = {} } = (node?.status ?? {}) as { allocatable?: Amounts };
  return allocatable[name] ?? 0;
}
