import type { Clock, KubeObject } from '#domain';
import { addressOf, nameOf, type PodObject } from '../kube-types.ts';
import { nameSuffix } from './names.ts';
import { podFromTemplate } from './pod-from-template.ts';
import { type PodOwnerOptions, podsOfOwner, type TemplateSpec, watchPodOwners } from './pod-owners.ts';

interface JobSpec extends TemplateSpec {
  readonly parallelism?: number;
  readonly completions?: number;
  readonly backoffLimit?: number;
  readonly suspend?: boolean;
}

interface JobStatus {
  readonly startTime?: string;
  readonly completionTime?: string;
  readonly conditions?: readonly { readonly type: string }[];
}

const DEFAULT_BACK_OFF_LIMIT = 6;

/** Jobs: pods run to their end, several at once if asked to, until enough have succeeded or too many have failed. */
export function startJobController(
  options: PodOwnerOptions & { readonly random: Parameters<typeof nameSuffix>[0] },
): () => void {
  return watchPodOwners('Job', options, (key, changeId) => {
    const { store, admit, random, clock } = options;
    const job = store.get('Job', nameOf(key)) as KubeObject<JobSpec, JobStatus> | undefined;
    if (job?.spec === undefined || job.metadata.deletionTimestamp !== undefined) return;
    const { parallelism = 1, completions = 1, backoffLimit = DEFAULT_BACK_OFF_LIMIT, suspend, template } = job.spec;
    const pods = podsOfOwner(store, job);
    const counts = countPods(pods);
    const over = counts.succeeded >= completions || counts.failed > backoffLimit;
    const wanted = over || suspend === true ? 0 : Math.min(parallelism, completions - counts.succeeded);
    const active = pods.filter(isActive);
    for (let missing = wanted - active.length; missing > 0; missing--) {
      const names = { name: `${job.metadata.name}-${nameSuffix(random)}`, generateName: `${job.metadata.name}-` };
      const labels = { 'job-name': job.metadata.name, 'batch.kubernetes.io/job-name': job.metadata.name };
      store.create(admit(podFromTemplate(job, template, { ...names, labels })), { changeId });
    }
    for (const pod of active.slice(Math.max(0, wanted))) store.delete('Pod', addressOf(pod), { changeId });
    const status = jobStatus(job, { ...counts, active: wanted, completions, over }, clock);
    store.updateStatus('Job', nameOf(key), status, { changeId });
  });
}

const isActive = ({ status }: PodObject): boolean => status?.phase !== 'Succeeded' && status?.phase !== 'Failed';

const countPods = (pods: readonly PodObject[]) => ({
  succeeded: pods.filter(({ status }) => status?.phase === 'Succeeded').length,
  failed: pods.filter(({ status }) => status?.phase === 'Failed').length,
  ready: pods.filter((pod) => pod.status?.phase === 'Running').length,
});

interface Counts extends ReturnType<typeof countPods> {
  readonly active: number;
  readonly completions: number;
  readonly over: boolean;
}

function jobStatus({ status = {}, metadata }: KubeObject<JobSpec, JobStatus>, counts: Counts, clock: Clock): object {
  const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  const { active, completions, failed, over, ready, succeeded } = counts;
  const shared = {
    startTime: status.startTime ?? metadata.creationTimestamp ?? now,
    ...(active > 0 ? { active, ready } : { ready: 0 }),
    ...(succeeded > 0 ? { succeeded } : {}),
    ...(failed > 0 ? { failed } : {}),
  };
  if (!over) return shared;
  if (status.conditions !== undefined) return { ...status, ...shared };
  const complete = succeeded >= completions;
  const verdict = complete
    ? { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
    : { type: 'Failed', reason: 'BackoffLimitExceeded', message: 'Job has reached the specified backoff limit' };
  const condition = { ...verdict, status: 'True', lastProbeTime: now, lastTransitionTime: now };
  return { ...shared, ...(complete ? { completionTime: now } : {}), conditions: [condition] };
}
