import type { ApplyView, LabState, Params } from '#contract';
import type { Connection } from './connection.ts';
import type { Drafts } from './drafts.ts';
import { sayError } from './errors.ts';
import { overlay, tooLarge, toSheets, withText, writable } from './files.ts';
import { addPush } from './reduce.ts';
import type { LabStores } from './stores.ts';
import type { Timers } from './transport.ts';

const VALIDATE_AFTER_MS = 300;
const SAVE_AFTER_MS = 800;

export interface WritingOptions {
  lab: string;
  stores: LabStores;
  drafts: Drafts;
  timers: Timers;
  request: Connection['request'];
  /** Says in a toast what failed. */
  fail: (error: unknown) => void;
}

/** The learner's text on its way: from the keys to a draft, to the lab, to its diagnostics, and by Apply into force. */
export class Writing {
  readonly #options: WritingOptions;
  readonly #stores: LabStores;
  #cancelValidate: (() => void) | undefined;
  #cancelSave: (() => void) | undefined;
  #validation = 0;

  constructor(options: WritingOptions) {
    this.#options = options;
    this.#stores = options.stores;
  }

  stop(): void {
    this.#cancelValidate?.();
    this.#cancelSave?.();
  }

  edit(file: string, text: string): void {
    const { sheets, applied, saving } = this.#stores;
    const { drafts, lab, timers } = this.#options;
    sheets.set(withText(sheets.get(), file, text, applied.get()));
    const kept = drafts.write(lab, writable(sheets.get()));
    saving.set(this.#stores.connection.get() === 'open' ? 'waiting' : kept ? 'offline' : 'nowhere');
    this.#cancelValidate?.();
    this.#cancelValidate = timers.after(VALIDATE_AFTER_MS, () => void this.#validate());
    this.#cancelSave?.();
    this.#cancelSave = timers.after(SAVE_AFTER_MS, () => void this.#save());
  }

  async apply(): Promise<void> {
    const { sheets, apply, diagnostics, applied } = this.#stores;
    const files = writable(sheets.get());
    const refused = tooLarge(files);
    if (refused.length > 0) {
      const view = { changeId: '', accepted: false, diagnostics: refused, objects: [], proxies: 0 };
      apply.set({ state: 'done', view });
      diagnostics.set(refused);
      return;
    }
    apply.set({ state: 'running' });
    try {
      const view = await this.#options.request('yaml.apply', { files }, 60_000);
      apply.set({ state: 'done', view });
      diagnostics.set(view.diagnostics);
      if (!view.accepted) return;
      applied.set(files);
      this.#compareAll();
      this.#pushed(view);
    } catch (error) {
      apply.set({ state: 'failed', message: sayError(error) });
    }
  }

  /** A change that the lab makes itself: the last one taken back, an earlier push made current again. */
  async changeBy<M extends 'yaml.undo' | 'time.restore'>(method: M, params: Params<M>): Promise<void> {
    const { apply, applied } = this.#stores;
    apply.set({ state: 'running' });
    try {
      const view: ApplyView = await this.#options.request(method, params, 60_000);
      apply.set({ state: 'done', view });
      this.#pushed(view);
      // What is in force now was applied before this page was opened, perhaps: only the lab knows.
      applied.set((await this.#options.request('lab.open', { lab: this.#options.lab })).applied);
      this.#compareAll();
    } catch (error) {
      apply.set({ state: 'failed', message: sayError(error) });
    }
  }

  /** The lab's own files take the place of all text. */
  take(files: LabState['files']): void {
    this.#stores.sheets.set(toSheets(files, this.#stores.applied.get()));
    this.#options.drafts.clear(this.#options.lab);
    void this.#validate();
  }

  /** The lab opens: what it has, and over it what stands on the screen unsaved, else what this browser kept while the lab was away. */
  open(files: LabState['files'], drafts: { file: string; text: string }[]): void {
    const { sheets, saving, applied } = this.#stores;
    const unsaved = saving.get() === 'saved' ? [] : writable(sheets.get());
    const own = unsaved.length > 0 ? unsaved : drafts;
    sheets.set(toSheets(overlay(files, own), applied.get()));
    if (own.length > 0) void this.#save();
  }

  /** What is not saved yet is given up: the lab goes back to its start. */
  forget(): void {
    this.stop();
    this.#stores.saving.set('saved');
  }

  #compareAll(): void {
    const { sheets, applied } = this.#stores;
    sheets.set(toSheets(sheets.get(), applied.get()));
  }

  #pushed(view: ApplyView): void {
    if (view.push) this.#stores.pushes.set(addPush(this.#stores.pushes.get(), view.push));
  }

  async #validate(): Promise<void> {
    const number = ++this.#validation;
    const { connection, sheets, diagnostics } = this.#stores;
    if (connection.get() !== 'open') return;
    const files = writable(sheets.get());
    const refused = tooLarge(files);
    if (refused.length > 0) {
      diagnostics.set(refused);
      return;
    }
    try {
      const found = await this.#options.request('yaml.validate', { files });
      if (number === this.#validation) diagnostics.set(found.diagnostics);
    } catch (error) {
      this.#options.fail(error);
    }
  }

  async #save(): Promise<void> {
    const { sheets, saving, connection } = this.#stores;
    const { drafts, lab, request, fail } = this.#options;
    const files = writable(sheets.get());
    if (tooLarge(files).length > 0) {
      saving.set('unsaved');
      return;
    }
    try {
      await request('files.save', { files });
      const same = JSON.stringify(files) === JSON.stringify(writable(sheets.get()));
      if (!same) return;
      saving.set('saved');
      drafts.clear(lab);
    } catch (error) {
      // The draft stays in this browser, where there is room for it, and is sent when the lab answers again.
      saving.set(drafts.write(lab, files) ? 'offline' : 'nowhere');
      if (connection.get() === 'open') fail(error);
    }
  }
}
