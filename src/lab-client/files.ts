import type { Diagnostic, FileView } from '#contract';

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
  if (!sheets.some((sheet) => sheet.file === file)) {
    const written = sheets.filter((sheet) => !sheet.readOnly);
    const given = sheets.filter((sheet) => sheet.readOnly);
    return [...written, { file, text, readOnly: false, changed: inForce !== text }, ...given];
  }
  return sheets.map((sheet) => (sheet.file === file ? { ...sheet, text, changed: inForce !== text } : sheet));
}

/** The contract's limit of one file, in characters. */
const MOST_CHARACTERS = 1_048_576;

/** Files that the lab server does not take, as it says it itself: nothing of this length is sent. */
export function tooLarge(files: readonly AppliedFile[]): Diagnostic[] {
  return files
    .filter((file) => file.text.length > MOST_CHARACTERS)
    .map(({ file, text }) => ({
      code: 'MW0001',
      severity: 'error',
      message: `the text has ${(text.length / MOST_CHARACTERS).toFixed(1)} MiB; a file may have 1 MiB`,
      hint: 'Remove what does not belong here. Until then nothing is applied or saved; what was in force still is.',
      location: { file, line: 1, column: 1, endLine: 1, endColumn: 1 },
    }));
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
