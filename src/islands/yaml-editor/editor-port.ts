import type { LitLines } from './lit-lines.ts';
import type { Problem } from './problems.ts';

/** What the page asks of an editor; Monaco and the plain text field both answer to it. */
export interface EditorPort {
  show(file: string): void;
  setText(file: string, text: string): void;
  setLit(lit: readonly LitLines[]): void;
  setProblems(problems: readonly Problem[]): void;
  reveal(file: string, line: number): void;
  dispose(): void;
}

export interface EditorFile {
  file: string;
  text: string;
  readOnly: boolean;
}

export interface EditorEvents {
  edited(file: string, text: string): void;
  /** Ctrl or Cmd with Enter. */
  apply(): void;
  /** What the schema found, all files together. */
  schemaProblems(problems: Problem[]): void;
}
