import type { ObjectText } from '#contract';
import type { KubeObject } from '#domain';
import { writeKubernetesYaml } from '#istio';
import type { ManifestFile } from '#sandbox';
import { sameWish, withoutServerFields } from '../journal.ts';

/** The objects of the store by `apiVersion/kind/namespace/name`, without what controllers make. */
export type ObjectSet = ReadonlyMap<string, KubeObject>;

/** The mesh's wishes right after a push. Number 0 is the start, before the first. */
export interface Moment {
  readonly number: number;
  readonly changeId: string;
  readonly title: string;
  readonly atMs: number;
  /** Text that the editor had applied. */
  readonly files: readonly ManifestFile[];
  readonly objects: ObjectSet;
  /** Keys of the objects that this push changed. */
  readonly changed: readonly string[];
  /** Somebody else than the learner made it. */
  readonly foreign: boolean;
}

export interface Moments {
  add(moment: Moment): void;
  all(): readonly Moment[];
  /** The push of this number, or the newest before it. */
  get(number: number): Moment | undefined;
  /** What was in force then. */
  at(atMs: number): Moment | undefined;
  /** The latest, which is what the mesh runs on. */
  newest(): Moment | undefined;
}

const MAX_MOMENTS = 200;

export function createMoments(): Moments {
  const moments: Moment[] = [];
  return {
    add: (moment) => {
      moments.push(moment);
      // The start stays: it is what a learner compares with.
      if (moments.length > MAX_MOMENTS) moments.splice(1, 1);
    },
    all: () => moments,
    get: (number) => moments.findLast((moment) => moment.number <= number),
    at: (atMs) => moments.findLast((moment) => moment.atMs <= atMs) ?? moments[0],
    newest: () => moments.at(-1),
  };
}

/** Keys of all objects that some push after `number` changed. */
export function changedAfter(moments: Moments, number: number): string[] {
  const later = moments.all().filter((moment) => moment.number > number);
  return [...new Set(later.flatMap(({ changed }) => changed))];
}

/** The objects of `keys` whose wish differs between two sets, as text. */
export function differences(keys: readonly string[], before: ObjectSet, after: ObjectSet): ObjectText[] {
  return keys.flatMap((key) => {
    const [old, now] = [before.get(key), after.get(key)];
    const object = now ?? old;
    if (object === undefined || (old && now && sameWish(old, now))) return [];
    return [
      {
        kind: object.kind,
        namespace: object.metadata.namespace ?? '',
        name: object.metadata.name,
        ...(old ? { before: yamlOf(old) } : {}),
        ...(now ? { after: yamlOf(now) } : {}),
      },
    ];
  });
}

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** As a learner would write it. Secrets keep their names only. */
function yamlOf(object: KubeObject): string {
  const { apiVersion, kind, metadata, ...body } = withoutServerFields(object);
  const { [LAST_APPLIED]: _applied, ...annotations } = metadata.annotations ?? {};
  const { annotations: _all, ...others } = metadata;
  const kept = Object.keys(annotations).length > 0 ? { ...others, annotations } : others;
  const { data: _data, stringData: _text, ...open } = body as Record<string, unknown>;
  return writeKubernetesYaml({ apiVersion, kind, metadata: kept, ...(kind === 'Secret' ? open : body) });
}
