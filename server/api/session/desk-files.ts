import type { FileView } from '#contract';
import type { Lab } from '#labs';
import type { ManifestFile } from '#sandbox';
import type { ShellFiles } from '#shell';
import { createShellFiles } from '#terminal';
import { givenFiles } from './given-files.ts';

/** The learner's text: what the editor shows, what the terminal sees of it, and what a reset put aside. */
export interface DeskFiles {
  readonly shellFiles: ShellFiles;
  /** The text that the learner may write. */
  editor(): readonly ManifestFile[];
  /** Replaces the learner's text; the terminal sees it too. */
  set(files: readonly ManifestFile[]): void;
  /** Puts these in the place of the files of their names. */
  merge(files: readonly ManifestFile[]): void;
  /** As the editor shows them: the learner's own, then those of the topology, read only, but for those that the learner has taken over. */
  views(): FileView[];
  /** Files of the start whose objects are in force since the mesh started. */
  readonly given: readonly ManifestFile[];
  /** What is in force: the text that was applied, and files of the start that need no apply. */
  inForce(applied: readonly ManifestFile[]): ManifestFile[];
  /**
   * What the editor shows when a push is in force again: the text of then. Before the first apply nothing of the learner's own was in force, so
   * nothing takes its place. Undefined where there is no text of then.
   */
  restored(applied: readonly ManifestFile[]): ManifestFile[] | undefined;
  aside(): readonly ManifestFile[] | undefined;
  putAside(): void;
}

export function createDeskFiles(options: {
  readonly lab: Lab;
  readonly text: readonly ManifestFile[];
  /** The terminal wrote a manifest: these are the learner's files now. */
  readonly onShellWrite: (files: readonly ManifestFile[]) => void;
}): DeskFiles {
  const { lab } = options;
  let editor = options.text;
  let aside: readonly ManifestFile[] | undefined;
  const samples = new Map([
    ...lab.samples,
    ...lab.topology.map(({ file, text }) => [`topology/${file}`, text] as const),
  ]);
  const shellFiles = createShellFiles({
    samples,
    onWrite: (file, text) => {
      if (!/\.ya?ml$/.test(file)) return;
      const others = editor.filter((each) => each.file !== file);
      editor = text === undefined ? others : [...others, { file, text }].sort((a, b) => a.file.localeCompare(b.file));
      options.onShellWrite(editor);
    },
  });
  const mirror = (): void => shellFiles.replaceAll(new Map(editor.map(({ file, text }) => [file, text])));
  mirror();
  const set = (files: readonly ManifestFile[]): void => {
    editor = files;
    mirror();
  };
  const { stored, blank } = givenFiles(lab);
  const beside = (applied: readonly ManifestFile[], files: readonly ManifestFile[]): ManifestFile[] => {
    const named = new Set(applied.map(({ file }) => file));
    return [...applied, ...files.filter(({ file }) => !named.has(file))];
  };
  return {
    shellFiles,
    editor: () => editor,
    set,
    merge: (files) => {
      const named = new Set(files.map(({ file }) => file));
      set([...editor.filter(({ file }) => !named.has(file)), ...files]);
    },
    views: () => {
      const own = new Set(editor.map(({ file }) => file));
      const given = lab.topology.filter(({ file }) => !own.has(file));
      return [
        ...editor.map(({ file, text }) => ({ file, text, readOnly: false })),
        ...given.map(({ file, text }) => ({ file, text, readOnly: true })),
      ];
    },
    given: stored,
    inForce: (applied) => beside(applied, [...stored, ...blank]),
    restored: (applied) => {
      const then = beside(applied, stored);
      if (then.length === 0) return undefined;
      const named = new Set(then.map(({ file }) => file));
      const own = applied.length > 0 ? [] : editor.filter(({ file }) => !named.has(file));
      return [...then, ...own].toSorted((a, b) => a.file.localeCompare(b.file));
    },
    aside: () => aside,
    putAside: () => {
      aside = editor;
    },
  };
}
