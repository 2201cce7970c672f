import type { LineNote, LinePlace } from './caught.ts';
import type { LitLines } from './lit-lines.ts';
import type { Problem } from './problems.ts';

/** What the page asks of an editor; Monaco and the plain text field both answer to it. */
export interface EditorPort {
  show(file: string): void;
  setText(file: string, text: string): void;
  setLit(lit: readonly LitLines[]): void;
  /** How many requests each line caught, at its right. */
  setNotes(notes: readonly LineNote[]): void;
  setProblems(problems: readonly Problem[]): void;
  /** Shows these texts in place of the files, read only; undefined: the files again. */
  setPast(files: readonly { file: string; text: string }[] | undefined): void;
  reveal(file: string, line: number): void;
  dispose(): void;
}

export interface EditorFile {
  file: string;
  text: string;
  /** What was applied last, where it was something else: one Undo leads back to it. */
  before?: string | undefined;
  readOnly: boolean;
}

export interface EditorEvents {
  edited(file: string, text: string): void;
  /** Ctrl or Cmd with Enter. */
  apply(): void;
  /** The cursor stands in another line. */
  moved(place: LinePlace): void;
  /** Alt with Enter: the requests of the line at the cursor. */
  asked(place: LinePlace): void;
  /** What the schema found, all files together. */
  schemaProblems(problems: Problem[]): void;
}
