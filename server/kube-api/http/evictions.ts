import { type KubeObject, type LabelSelector, selects } from '#domain';
import type { DeleteOptions } from '../doors.ts';
import { timestamp } from '../identity.ts';
import { KubeStatusError, notFound } from '../status-error.ts';
import type { ApiContext } from './context.ts';
import { deleteOptions, success } from './deletes.ts';
import { nameFrom, type ResourceRequest } from './resource.ts';

const BUDGET = 'PodDisruptionBudget';
/** A client comes back after this many seconds when the budget has yet to be counted. */
const UNCOUNTED_RETRY_SECONDS = 10;

interface Budget extends KubeObject {
  readonly spec?: {
    readonly selector?: LabelSelector;
    readonly unhealthyPodEvictionPolicy?: 'IfHealthyBudget' | 'AlwaysAllow';
  };
  readonly status?: {
    readonly observedGeneration?: number;
    readonly disruptionsAllowed?: number;
    readonly currentHealthy?: number;
    readonly desiredHealthy?: number;
    readonly disruptedPods?: Readonly<Record<string, string>>;
  };
}

interface PodShape extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type?: string; readonly status?: string }[];
  };
}

/**
 * POST to `pods/NAME/eviction`: a deletion that the pod's disruption budget must allow. Throws TooManyRequests while it does not. Source:
 * the eviction storage of kubernetes' pod registry.
 */
export async function evict(request: ResourceRequest, context: ApiContext): Promise<void> {
  const { exchange, kind, path, word } = request;
  const options = await deleteOptions(request);
  const pod = context.store.get(word, nameFrom(path)) as PodShape | undefined;
  if (!pod) throw notFound(kind, path.name);
  const budget = mayGoWithoutBudget(pod) ? undefined : budgetOf(pod, context);
  if (budget !== undefined) spend(budget, { pod, options }, context);
  const object = context.store.delete(word, nameFrom(path), options);
  const { details: _, ...status } = success(request, object);
  exchange.json(201, status);
}

/** It serves nobody, or is on its way already. */
const mayGoWithoutBudget = ({ metadata, status }: PodShape): boolean =>
  metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '');

function budgetOf(pod: PodShape, { store }: ApiContext): Budget | undefined {
  if (store.kinds.find(BUDGET) === undefined) return undefined;
  const { namespace = '', labels = {} } = pod.metadata;
  const budgets = (store.list(BUDGET, { namespace }) as Budget[]).filter(
    ({ spec }) => spec?.selector !== undefined && selects(spec.selector, labels),
  );
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new KubeStatusError('InternalError', message);
  }
  const [budget] = budgets;
  return budget !== undefined && isExempt(pod, budget) ? undefined : budget;
}

/** An unready pod may go where the budget says so, and where enough others are healthy. */
function isExempt({ status }: PodShape, { spec, status: counted = {} }: Budget): boolean {
  const isReady = status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True') === true;
  if (isReady) return false;
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = counted;
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

interface Eviction {
  readonly pod: PodShape;
  readonly options: DeleteOptions;
}

/** Takes one disruption from the budget and notes whose it is, so that it counts before the pod has gone. */
function spend(budget: Budget, { pod, options }: Eviction, { store, nowMs }: ApiContext): void {
  const { name, namespace = '', generation = 0 } = budget.metadata;
  const { observedGeneration = 0, disruptionsAllowed = 0, disruptedPods, ...counted } = budget.status ?? {};
  if (observedGeneration < generation) {
    throw refused(`The disruption budget ${name} is still being processed by the server.`, UNCOUNTED_RETRY_SECONDS);
  }
  if (disruptionsAllowed <= 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = counted;
    throw refused(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  if (options.dryRun) return;
  const status = {
    ...budget.status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [pod.metadata.name]: timestamp({ now: nowMs }) },
  };
  store.updateStatus(BUDGET, { namespace, name }, status, { changeId: options.changeId });
}

function refused(why: string, retryAfterSeconds?: number): KubeStatusError {
  const causes = [{ reason: 'DisruptionBudget', message: why, field: '' }];
  return new KubeStatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}
