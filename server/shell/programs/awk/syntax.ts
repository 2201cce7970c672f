import type { RE2JS } from 're2js';

/** What a value can be put into. */
export type Target =
  | { readonly type: 'variable'; readonly name: string }
  | { readonly type: 'element'; readonly array: string; readonly keys: readonly Expression[] }
  | { readonly type: 'field'; readonly index: Expression };

export type Expression =
  | Target
  | { readonly type: 'number'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'pattern'; readonly pattern: RE2JS }
  | { readonly type: 'assign'; readonly target: Target; readonly operator: string; readonly value: Expression }
  | { readonly type: 'step'; readonly target: Target; readonly by: 1 | -1; readonly before: boolean }
  | { readonly type: 'choose'; readonly test: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly type: 'and' | 'or' | 'concat'; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'not' | 'negative' | 'positive' | 'group'; readonly of: Expression }
  | {
      readonly type: 'calculate' | 'compare';
      readonly operator: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly type: 'match'; readonly negated: boolean; readonly left: Expression; readonly right: Expression }
  | { readonly type: 'in'; readonly keys: readonly Expression[]; readonly array: string }
  | { readonly type: 'call'; readonly name: string; readonly args: readonly Expression[] };

/** Where `print` writes, other than to the output. */
export interface Destination {
  readonly to: 'file' | 'append' | 'command';
  /** The file's name, or the command. */
  readonly name: Expression;
}

export type Statement =
  | { readonly type: 'expression'; readonly of: Expression }
  | { readonly type: 'print' | 'printf'; readonly values: readonly Expression[]; readonly to: Destination | undefined }
  | { readonly type: 'block'; readonly body: readonly Statement[] }
  | { readonly type: 'if'; readonly test: Expression; readonly yes: Statement; readonly no: Statement | undefined }
  | {
      readonly type: 'while';
      readonly test: Expression | undefined;
      readonly body: Statement;
      readonly next: Statement | undefined;
    }
  | { readonly type: 'do'; readonly test: Expression; readonly body: Statement }
  | { readonly type: 'each'; readonly variable: string; readonly array: string; readonly body: Statement }
  | { readonly type: 'delete'; readonly array: string; readonly keys: readonly Expression[] | undefined }
  | { readonly type: 'break' | 'continue' | 'next' }
  | { readonly type: 'exit'; readonly code: Expression | undefined };

/** `pattern { action }`. */
export interface Rule {
  readonly when: 'begin' | 'end' | { readonly from: Expression | undefined; readonly to: Expression | undefined };
  /** Absent: the record is printed. */
  readonly action: Statement | undefined;
}
