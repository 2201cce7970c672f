import type { KubeObject } from '#domain';
import { type Field, specOf } from '../../rules/field.ts';
import { append } from './lists.ts';
import { type Labels, labelsOf, namespaceOf, objectAnnotations, objectLabels } from './objects.ts';
import { selects } from './selectors.ts';

/** A pod, or a pod as a Deployment will make it. */
export interface Workload {
  /** The Pod, or the Deployment that stands for its pods. */
  readonly object: KubeObject;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** The pod's spec. */
  readonly spec: Field;
  readonly isTemplate: boolean;
}

export const podWorkload = (pod: KubeObject): Workload => ({
  object: pod,
  namespace: namespaceOf(pod),
  name: pod.metadata.name,
  labels: objectLabels(pod),
  annotations: objectAnnotations(pod),
  spec: specOf(pod),
  isTemplate: false,
});

export function templateWorkload(deployment: KubeObject): Workload {
  const template = specOf(deployment).get('template');
  return {
    object: deployment,
    namespace: namespaceOf(deployment),
    name: deployment.metadata.name,
    labels: labelsOf(template.at('metadata.labels')),
    annotations: labelsOf(template.at('metadata.annotations')),
    spec: template.get('spec'),
    isTemplate: true,
  };
}

/** Workloads by each of their labels, so that a selector looks at few of them. */
export class WorkloadIndex {
  readonly all: readonly Workload[];
  readonly #byLabel = new Map<string, Workload[]>();
  readonly #byNamespace = new Map<string, Workload[]>();

  constructor(workloads: readonly Workload[]) {
    this.all = workloads;
    for (const workload of workloads) {
      for (const [key, value] of Object.entries(workload.labels)) append(this.#byLabel, `${key}=${value}`, workload);
      append(this.#byNamespace, workload.namespace, workload);
    }
  }

  in(namespace: string): readonly Workload[] {
    return this.#byNamespace.get(namespace) ?? [];
  }

  /** The shortest list that holds everything the selector selects. */
  #candidates(selector: Labels, namespace: string | undefined): readonly Workload[] {
    let candidates = namespace === undefined ? this.all : this.in(namespace);
    for (const [key, value] of Object.entries(selector)) {
      const some = this.#byLabel.get(`${key}=${value}`) ?? [];
      if (some.length < candidates.length) candidates = some;
    }
    return candidates;
  }

  /** Workloads that the selector selects, in one namespace or in all. The empty selector selects everything. */
  selected(selector: Labels, namespace?: string): readonly Workload[] {
    return this.#candidates(selector, namespace).filter((each) => isSelected(each, selector, namespace));
  }

  /** Whether the selector selects any workload. */
  has(selector: Labels, namespace?: string): boolean {
    return this.#candidates(selector, namespace).some((each) => isSelected(each, selector, namespace));
  }
}

const isSelected = (workload: Workload, selector: Labels, namespace: string | undefined): boolean =>
  (namespace === undefined || workload.namespace === namespace) && selects(selector, workload.labels);
