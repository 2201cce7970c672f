import type { ApplyView, PushView } from '#contract';
import type { Diagnostic } from '#domain';
import { diagnostic } from '#istio';
import type { AppliedObject, ManifestFile, Sandbox } from '#sandbox';
import { ApiError } from '../errors.ts';
import { createJournal, type Journal, storeKind } from './journal.ts';
import { pushView } from './views.ts';

export interface AppliesOptions {
  readonly sandbox: () => Sandbox;
  readonly namespace: string;
  readonly onPush: (push: PushView) => void;
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
  /** Text that the editor applied last. */
  applied(): readonly ManifestFile[];
  pushes(): readonly PushView[];
  /** The editor's Apply, as `kubectl apply` of all its files: adds and changes, and tells what it left in force. */
  apply(files: readonly ManifestFile[], title: string): Promise<ApplyView>;
  /** A change that the terminal made: gives it a number and follows its push. */
  follow(changeId: string, title: string): void;
  undo(): Promise<{ view: ApplyView; files: readonly ManifestFile[] | undefined }>;
  mintChangeId(): string;
  restore(applied: readonly ManifestFile[]): void;
}

/** How long an apply waits for its proxies before it answers with what is known. */
const SETTLE_MS = 3000;
const MAX_PUSHES = 200;

export function createApplies(options: AppliesOptions): Applies {
  const journal = createJournal();
  const pushes: PushView[] = [];
  const done: Applied[] = [];
  let applied: readonly ManifestFile[] = [];
  let owned: readonly AppliedObject[] = [];
  let counter = 0;

  const followPush = async (changeId: string, title: string): Promise<PushView | undefined> => {
    const number = (pushes.at(-1)?.number ?? 0) + 1;
    const summary = await options.sandbox().settled(changeId, SETTLE_MS);
    if (!summary) return undefined;
    const view = pushView(summary, number, title);
    pushes.push(view);
    if (pushes.length > MAX_PUSHES) pushes.shift();
    options.onPush(view);
    return view;
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

  return {
    journal,
    applied: () => applied,
    pushes: () => pushes,
    apply,
    follow: (changeId, title) => {
      done.push({ changeId, filesBefore: undefined });
      options.onChange();
      followPush(changeId, title).catch(() => undefined);
    },
    undo: async () => {
      const last = done.pop();
      if (!last) throw new ApiError('nothing_to_undo', 'There is no change to take back.');
      const changeId = mint();
      journal.revert(last.changeId, options.sandbox().store, changeId);
      const objects = journal
        .changes(changeId)
        .map(({ key }) => key.split('/'))
        .map((parts) => ({
          kind: parts.at(-3) ?? '',
          namespace: parts.at(-2) ?? '',
          name: parts.at(-1) ?? '',
          outcome: 'restored',
        }));
      if (last.filesBefore) {
        applied = last.filesBefore;
        await relearn(applied);
      }
      options.onChange();
      const push = await followPush(changeId, 'undo');
      const view = withPush({ changeId, accepted: true, diagnostics: [] as Diagnostic[], objects, proxies: 0 }, push);
      return { view, files: last.filesBefore };
    },
    mintChangeId: mint,
    restore: (files) => {
      applied = files;
    },
  };

  function mint(): string {
    counter += 1;
    return `change-${options.sandbox().clock.now().toString(36)}-${counter}`;
  }

  /** The store already holds what these files say; applying them again only teaches the sandbox where each field stands. */
  async function relearn(files: readonly ManifestFile[]): Promise<void> {
    if (files.length > 0) await options.sandbox().apply(files, { namespace: options.namespace });
  }
}

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
