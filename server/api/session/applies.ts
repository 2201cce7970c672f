import type { ApplyView, PushView } from '#contract';
import type { Diagnostic, KubeObject } from '#domain';
import { diagnostic } from '#istio';
import type { AppliedObject, ManifestFile, Sandbox } from '#sandbox';
import { ApiError } from '../errors.ts';
import { createJournal, type Journal, type ObjectChange, storeKind } from './journal.ts';
import type { RecalledPast, UndoableChange } from './time-travel/kept-past.ts';
import { changedAfter, createMoments, type Moment, type Moments } from './time-travel/moments.ts';
import { pushView } from './views.ts';

export interface AppliesOptions {
  readonly sandbox: () => Sandbox;
  readonly namespace: string;
  readonly onPush: (push: PushView) => void;
  /** A change is stored and has its number; its push goes on. */
  readonly onMoment?: (moment: Moment) => void;
  /** Something that must survive a crash changed. */
  readonly onChange: () => void;
}

interface Applied {
  readonly changeId: string;
  /** Text of the editor's files before this change; undefined for a change from the terminal. */
  readonly filesBefore: readonly ManifestFile[] | undefined;
}

/** The learner's changes: from the editor and from the terminal, numbered, undoable, each with its push. */
export interface Applies {
  readonly journal: Journal;
  /** The mesh's wishes after each push. */
  readonly moments: Moments;
  /** The mesh has started: this is push 0, or goes on after the pushes that were kept. */
  begin(kept?: RecalledPast): void;
  /** What Undo takes back, newest last. */
  undoable(): readonly UndoableChange[];
  /** Text that the editor applied last. */
  applied(): readonly ManifestFile[];
  pushes(): readonly PushView[];
  /** The editor's Apply, as `kubectl apply` of all its files: adds and changes, and tells what it left in force. */
  apply(files: readonly ManifestFile[], title: string): Promise<ApplyView>;
  /** Somebody else's change of these files; it is no change of the learner's, so Undo does not take it back. */
  applyForeign(files: readonly ManifestFile[], title: string): Promise<void>;
  /** Somebody else's change that never stands in the editor; answers its id when it is stored, and follows its push. */
  applyElsewhere(files: readonly ManifestFile[], title: string): Promise<string>;
  /** A change that the terminal made: gives it a number and follows its push. */
  follow(changeId: string, title: string): void;
  undo(): Promise<{ view: ApplyView; files: readonly ManifestFile[] | undefined }>;
  /** Makes a push current again, as a new push; answers the editor's files of then. */
  restoreTo(number: number): Promise<{ view: ApplyView; files: readonly ManifestFile[] }>;
  mintChangeId(): string;
  /** After a mesh that is gone: the editor's text is in force again, and its objects are as they were kept, whatever the terminal had made of them. */
  restore(files: readonly ManifestFile[], objects: readonly KubeObject[] | undefined): Promise<void>;
}

/** How long an apply waits for its proxies before it answers with what is known. */
const SETTLE_MS = 3000;
/** How long the list of pushes is kept true for proxies that have not answered by then. */
const LATE_MS = 60_000;
const MAX_PUSHES = 200;

export function createApplies(options: AppliesOptions): Applies {
  const journal = createJournal();
  const pushes: PushView[] = [];
  const done: Applied[] = [];
  const moments = createMoments();
  let applied: readonly ManifestFile[] = [];
  let owned: readonly AppliedObject[] = [];
  let counter = 0;

  const note = (changeId: string, title: string, foreign: boolean): number => {
    const number = (moments.newest()?.number ?? -1) + 1;
    const changed = journal.changes(changeId).map(({ key }) => key);
    const atMs = options.sandbox().clock.now();
    const moment = { number, changeId, title, atMs, files: applied, objects: journal.snapshot(), changed, foreign };
    moments.add(moment);
    options.onMoment?.(moment);
    return number;
  };

  const followPush = async (changeId: string, title: string, foreign = false): Promise<PushView | undefined> => {
    const atMs = options.sandbox().clock.now();
    const number = note(changeId, title, foreign);
    // What one command or one click has changed is complete.
    options.sandbox().controlPlane?.flush();
    const summary = await options.sandbox().settled(changeId, SETTLE_MS);
    // Without a control plane nothing is sent; the change is a mark all the same.
    const view = summary ? pushView(summary, number, title) : { changeId, number, title, atMs, proxies: [] };
    tell(view);
    if (view.proxies.some(isOpen)) followLate(view).catch(() => undefined);
    return summary && view;
  };

  const tell = (view: PushView): void => {
    const others = pushes.filter(({ number }) => number !== view.number);
    pushes.splice(0, pushes.length, ...[...others, view].sort((a, b) => a.number - b.number).slice(-MAX_PUSHES));
    options.onPush(view);
  };

  /** A program that a person steers answers when that person likes, and the list of pushes tells it then. */
  const followLate = async ({ changeId, number, title, proxies }: PushView): Promise<void> => {
    const summary = await options.sandbox().controlPlane?.settled(changeId, LATE_MS);
    const view = summary && pushView(summary, number, title);
    if (view && view.proxies.filter(isOpen).length < proxies.filter(isOpen).length) tell(view);
  };

  const apply = async (files: readonly ManifestFile[], title: string): Promise<ApplyView> => {
    const outcome = await options.sandbox().apply(files, { namespace: options.namespace });
    if (!outcome.accepted) {
      return {
        changeId: outcome.changeId,
        accepted: false,
        diagnostics: [...outcome.diagnostics],
        objects: [],
        proxies: 0,
      };
    }
    const objects = outcome.objects.map(({ kind, namespace, name, outcome: result }) => ({
      kind,
      namespace,
      name,
      outcome: result,
    }));
    const left = forgotten(outcome.objects);
    owned = outcome.objects;
    done.push({ changeId: outcome.changeId, filesBefore: applied });
    applied = files;
    options.onChange();
    const changed = objects.some(({ outcome: result }) => result !== 'unchanged');
    const push = changed ? await followPush(outcome.changeId, title) : undefined;
    const diagnostics = [...outcome.diagnostics, ...left.map(stillInForce)];
    return withPush({ changeId: outcome.changeId, accepted: true, diagnostics, objects, proxies: 0 }, push);
  };

  /** Objects that the editor applied before, that its text no longer names, and that are still stored: kubectl never removes them. */
  const forgotten = (now: readonly AppliedObject[]): AppliedObject[] => {
    const key = ({ kind, namespace, name }: AppliedObject): string => `${kind}/${namespace}/${name}`;
    const named = new Set(now.map(key));
    const { store } = options.sandbox();
    return owned.filter((object) => !named.has(key(object)) && store.get(storeKindOf(object), object) !== undefined);
  };

  /** A change that puts objects back: numbered and answered as an apply is. */
  const putBack = async (
    title: string,
    change: (changeId: string) => void,
    files: readonly ManifestFile[] | undefined,
  ): Promise<ApplyView> => {
    const changeId = mint();
    change(changeId);
    const objects = journal
      .changes(changeId)
      .map(({ key }) => key.split('/'))
      .map((parts) => ({
        kind: parts.at(-3) ?? '',
        namespace: parts.at(-2) ?? '',
        name: parts.at(-1) ?? '',
        outcome: 'restored',
      }));
    if (files) {
      applied = files;
      await relearn(applied);
      // What the terminal had changed since that text was applied is wanted too.
      change(changeId);
    }
    options.onChange();
    const push = await followPush(changeId, title);
    return withPush({ changeId, accepted: true, diagnostics: [] as Diagnostic[], objects, proxies: 0 }, push);
  };

  const applyOthers = async (files: readonly ManifestFile[]): Promise<string> => {
    const outcome = await options.sandbox().apply(files, { namespace: options.namespace });
    if (!outcome.accepted) throw new ApiError('refused', outcome.diagnostics.map(({ message }) => message).join('; '));
    return outcome.changeId;
  };

  return {
    journal,
    moments,
    begin: (kept) => {
      if (kept === undefined || kept.moments.length === 0) note('', 'start', true);
      else for (const moment of kept.moments) moments.add(moment);
      pushes.push(...(kept?.pushes ?? []));
      if (kept) done.push(...recallDone(kept));
    },
    undoable: () => done.map(({ changeId, filesBefore }) => ({ changeId, byEditor: filesBefore !== undefined })),
    applied: () => applied,
    pushes: () => pushes,
    apply,
    applyForeign: async (files, title) => {
      const changeId = await applyOthers(files);
      const named = new Set(files.map(({ file }) => file));
      applied = [...applied.filter(({ file }) => !named.has(file)), ...files];
      options.onChange();
      await followPush(changeId, title, true);
    },
    applyElsewhere: async (files, title) => {
      const changeId = await applyOthers(files);
      followPush(changeId, title, true).catch(() => undefined);
      return changeId;
    },
    follow: (changeId, title) => {
      done.push({ changeId, filesBefore: undefined });
      options.onChange();
      followPush(changeId, title).catch(() => undefined);
    },
    undo: async () => {
      const last = done.pop();
      if (!last) {
        const others = moments.all().some(({ foreign, changeId }) => foreign && changeId !== '');
        if (others)
          throw new ApiError('nothing_of_yours', 'You have changed nothing yet, so there is nothing to take back.');
        throw new ApiError('nothing_to_undo', 'There is no change to take back.');
      }
      const { store } = options.sandbox();
      const view = await putBack('undo', (id) => journal.revert(last.changeId, store, id), last.filesBefore);
      return { view, files: last.filesBefore };
    },
    restoreTo: async (number) => {
      const moment = moments.get(number);
      if (!moment) throw new ApiError('unknown_push', `Push ${number} is no longer kept.`);
      const { store } = options.sandbox();
      const keys = changedAfter(moments, moment.number);
      const filesBefore = applied;
      const title = moment.number === 0 ? 'back to the start' : `back to push ${moment.number}`;
      const view = await putBack(title, (id) => journal.assume(keys, moment.objects, store, id), moment.files);
      done.push({ changeId: view.changeId, filesBefore });
      return { view, files: moment.files };
    },
    mintChangeId: mint,
    restore: async (files, objects) => {
      applied = files;
      const outcome = await options.sandbox().apply(files, { namespace: options.namespace });
      owned = outcome.objects;
      const changed = outcome.objects.filter((object) => object.outcome !== 'unchanged');
      if (objects) journal.putRight(changed, objects, options.sandbox().store, mint());
    },
  };

  /** Changes whose push is kept, and the one before it. */
  function recallDone({ moments: kept, undoable }: RecalledPast): Applied[] {
    return undoable.flatMap(({ changeId, byEditor }) => {
      const index = kept.findIndex((moment) => moment.changeId === changeId);
      const [before, moment] = [kept[index - 1], kept[index]];
      if (!before || !moment || before.number !== moment.number - 1) return [];
      const change = (key: string): ObjectChange => ({
        key,
        before: before.objects.get(key),
        after: moment.objects.get(key),
      });
      journal.recall(changeId, moment.changed.map(change));
      return [{ changeId, filesBefore: byEditor ? before.files : undefined }];
    });
  }

  function mint(): string {
    counter += 1;
    return `change-${options.sandbox().clock.now().toString(36)}-${counter}`;
  }

  /** The store already holds what these files say; applying them again only teaches the sandbox where each field stands. */
  async function relearn(files: readonly ManifestFile[]): Promise<void> {
    if (files.length > 0) await options.sandbox().apply(files, { namespace: options.namespace });
  }
}

const isOpen = ({ state }: PushView['proxies'][number]): boolean => state === 'sent';

function withPush(view: ApplyView, push: PushView | undefined): ApplyView {
  if (!push) return view;
  return {
    ...view,
    proxies: push.proxies.length,
    push,
    ...(push.effectiveMs === undefined ? {} : { effectiveMs: push.effectiveMs }),
  };
}

const storeKindOf = ({ apiVersion, kind, name }: AppliedObject): string =>
  storeKind({ apiVersion, kind, metadata: { name } });

const stillInForce = ({ kind, namespace, name }: AppliedObject): Diagnostic =>
  diagnostic('MW0301', {
    values: { kind, name, kindLower: kind.toLowerCase() },
    origin: { kind, namespace, name, path: '' },
  });
