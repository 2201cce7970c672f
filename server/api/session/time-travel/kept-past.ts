import type { MeshView, PushView, RequestView } from '#contract';
import type { KubeObject } from '#domain';
import { asWished, startable } from '../journal.ts';
import type { Moment } from './moments.ts';

/** What the pages showed at a moment. */
export interface Seen {
  readonly atMs: number;
  readonly mesh?: MeshView;
  readonly requests: readonly RequestView[];
}

interface KeptMoment extends Omit<Moment, 'objects'> {
  /** The objects of `changed` as this push left them; null: deleted. */
  readonly objects: readonly (KubeObject | null)[];
  readonly seen?: Seen;
}

/** The pushes of a learner as they outlive their mesh, so that a link to one leads to the same thing after a restart. */
export interface KeptPast {
  /** The objects before the first push that is kept, by key. */
  readonly start: readonly (readonly [string, KubeObject])[];
  readonly moments: readonly KeptMoment[];
  readonly pushes: readonly PushView[];
  /** Changes that Undo takes back, newest last; absent in states that older releases wrote. */
  readonly undoable?: readonly UndoableChange[];
}

/** A change of the learner's. `byEditor`: the editor's text goes back with it. */
export interface UndoableChange {
  readonly changeId: string;
  readonly byEditor: boolean;
}

/** Characters of all that is kept, about: the newest pushes that fit. */
const MOST_CHARACTERS = 2_000_000;

export interface PastParts {
  readonly moments: readonly Moment[];
  readonly pushes: readonly PushView[];
  readonly undoable: readonly UndoableChange[];
  readonly seenAt: (atMs: number) => Seen;
}

/** Everything from push 0 on, as differences; where that is too much, the pushes after the start are dropped, oldest first. */
export function keepPast({ moments, pushes, undoable, seenAt }: PastParts): KeptPast {
  const [first, ...later] = moments;
  if (first === undefined) return { start: [], moments: [], pushes: [], undoable: [] };
  const kept: KeptMoment[] = [];
  let left = MOST_CHARACTERS;
  for (const moment of later.toReversed()) {
    const push = pushes.find(({ number }) => number === moment.number);
    const one = known.get(moment) ?? measured(keptMoment(moment, seenAt(moment.atMs + (push?.effectiveMs ?? 0))));
    // What is settled is worded once, however often the state is saved.
    if (push) known.set(moment, one);
    left -= one.characters;
    if (left < 0) break;
    kept.unshift(one.kept);
  }
  // What dropped pushes changed belongs to the objects before those that are kept.
  const before = kept.length === later.length ? first : (moments[moments.length - 1 - kept.length] ?? first);
  const numbers = new Set(kept.map(({ number }) => number));
  const changes = new Set(kept.map(({ changeId }) => changeId));
  const start = starts.get(before) ?? startOf(before);
  starts.set(before, start);
  // Objects of the system come with every mesh; one that a push changed must be known as it was.
  const keys = new Set(start.map(([key]) => key));
  const changed = new Set(kept.flatMap((moment) => moment.changed).filter((key) => !keys.has(key)));
  return {
    start: [
      ...start,
      ...[...before.objects].flatMap(([key, object]) => (changed.has(key) ? [entryOf(key, object)] : [])),
    ],
    moments: [{ ...keptMoment(first, seenAt(first.atMs)), objects: [], changed: [] }, ...kept],
    pushes: pushes.filter(({ number }) => numbers.has(number)),
    undoable: undoable.filter(({ changeId }) => changes.has(changeId)),
  };
}

export interface RecalledPast {
  /** Each with all objects of its time. */
  readonly moments: Moment[];
  readonly pushes: readonly PushView[];
  readonly undoable: readonly UndoableChange[];
  readonly seen: Seen[];
}

/** What `keepPast` kept, in a mesh of another process. */
export function recallPast(past: KeptPast): RecalledPast {
  let objects: ReadonlyMap<string, KubeObject> = new Map(past.start);
  const moments = past.moments.map(({ objects: changes, seen: _seen, ...moment }): Moment => {
    const next = new Map(objects);
    for (const [index, key] of moment.changed.entries()) {
      const object = changes[index];
      if (object) next.set(key, object);
      else next.delete(key);
    }
    objects = next;
    return { ...moment, objects };
  });
  const seen = past.moments.flatMap((moment) => moment.seen ?? []);
  return { moments, pushes: past.pushes, undoable: past.undoable ?? [], seen };
}

function keptMoment(moment: Moment, seen: Seen): KeptMoment {
  const objects = moment.changed.map((key) => {
    const object = moment.objects.get(key);
    return object ? asWished(object) : null;
  });
  return { ...moment, objects, seen };
}

interface Measured {
  readonly kept: KeptMoment;
  readonly characters: number;
}

const measured = (kept: KeptMoment): Measured => ({ kept, characters: JSON.stringify(kept).length });

const startOf = ({ objects }: Moment): KeptPast['start'] =>
  [...objects].flatMap(([key, object]) => (startable([object]).length > 0 ? [entryOf(key, object)] : []));

const entryOf = (key: string, object: KubeObject): readonly [string, KubeObject] => [key, asWished(object)];

const known = new WeakMap<Moment, Measured>();
const starts = new WeakMap<Moment, KeptPast['start']>();
