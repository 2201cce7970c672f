import type { FileView } from '#contract';

/** The learner's text beside what is in force. */
export interface Sheet {
  file: string;
  text: string;
  readOnly: boolean;
  /** Differs from the last apply. */
  changed: boolean;
}

export type AppliedFile = { file: string; text: string };

export function toSheets(files: readonly FileView[], applied: readonly AppliedFile[]): Sheet[] {
  const inForce = new Map(applied.map((one) => [one.file, one.text]));
  return files.map(({ file, text, readOnly }) => ({
    file,
    text,
    readOnly,
    changed: !readOnly && inForce.get(file) !== text,
  }));
}

export function withText(
  sheets: readonly Sheet[],
  file: string,
  text: string,
  applied: readonly AppliedFile[],
): Sheet[] {
  const inForce = applied.find((one) => one.file === file)?.text;
  return sheets.map((sheet) => (sheet.file === file ? { ...sheet, text, changed: inForce !== text } : sheet));
}

/** What Apply, validate and save send: everything that the learner may write. */
export function writable(sheets: readonly Sheet[]): AppliedFile[] {
  return sheets.filter((sheet) => !sheet.readOnly).map(({ file, text }) => ({ file, text }));
}

/** Puts unsaved text of this browser over what the server has; unknown files are left out. */
export function overlay(files: readonly FileView[], drafts: readonly AppliedFile[]): FileView[] {
  const byName = new Map(drafts.map((draft) => [draft.file, draft.text]));
  return files.map((file) => ({ ...file, text: file.readOnly ? file.text : (byName.get(file.file) ?? file.text) }));
}
