import type { RedirectToken } from './lexer.ts';
import type { Word } from './words.ts';

/** Where a stream comes from or goes to; a heredoc is the text itself. */
export type Redirect =
  | { readonly from: RedirectToken['from']; readonly to: RedirectToken['to']; readonly file: Word | undefined }
  | { readonly heredoc: Word };

export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

export interface SimpleCommand {
  readonly type: 'simple';
  /** `A=b` before the first word. */
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  /** In the order written, which matters: `>file 2>&1`. */
  readonly redirects: readonly Redirect[];
}

export interface ForLoop {
  readonly type: 'for';
  readonly variable: string;
  readonly values: readonly Word[];
  readonly body: Script;
  /** Of the whole loop: `done > file`. */
  readonly redirects: readonly Redirect[];
}

export interface WhileLoop {
  readonly type: 'while';
  /** `until`: it turns as long as the condition fails. */
  readonly until: boolean;
  readonly condition: Script;
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

export interface Condition {
  readonly type: 'if';
  /** In order: the first whose test succeeds runs. */
  readonly branches: readonly { readonly test: Script; readonly body: Script }[];
  readonly otherwise: Script | undefined;
  readonly redirects: readonly Redirect[];
}

/** `for ((i = 0; i < 3; i++))`: three expressions, the parts between the semicolons. */
export interface CountedLoop {
  readonly type: 'counted';
  readonly first: Word;
  readonly condition: Word;
  readonly next: Word;
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

/** `case word in pattern | pattern) …;; esac` */
export interface Choice {
  readonly type: 'case';
  readonly subject: Word;
  /** In order: the first with a pattern that matches runs. */
  readonly branches: readonly { readonly patterns: readonly Word[]; readonly body: Script }[];
  readonly redirects: readonly Redirect[];
}

/** `((…))`: succeeds when the expression is not 0. */
export interface Arithmetic {
  readonly type: 'arithmetic';
  readonly expression: Word;
  readonly redirects: readonly Redirect[];
}

/** `( … )`: runs with a copy of the variables. */
export interface SubShell {
  readonly type: 'subshell';
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

/** `{ …; }`: commands that share redirections. */
export interface Group {
  readonly type: 'group';
  readonly body: Script;
  readonly redirects: readonly Redirect[];
}

export type Stage =
  | SimpleCommand
  | ForLoop
  | CountedLoop
  | WhileLoop
  | Condition
  | Choice
  | Arithmetic
  | SubShell
  | Group;

/** Commands joined by `|`; `after` says when it runs, given the exit code of the one before. */
export interface Pipeline {
  readonly stages: readonly Stage[];
  /** `! command`: success and failure change places. */
  readonly negated: boolean;
  /** `time command`: how long it took is told on the error stream. */
  readonly timed: boolean;
  readonly after: 'always' | 'success' | 'failure';
}

export type Script = readonly Pipeline[];
