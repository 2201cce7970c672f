import type { RE2JS } from 're2js';

/** Which lines a command is for. A pattern that is `undefined` is the one that was used last. */
export type Address =
  | { readonly type: 'line'; readonly line: number }
  | { readonly type: 'last' }
  | { readonly type: 'step'; readonly first: number; readonly step: number }
  | { readonly type: 'pattern'; readonly pattern: RE2JS | undefined };

/** Where a range ends: also so many lines later, or at the next multiple. */
export type RangeEnd =
  | Address
  | { readonly type: 'later'; readonly count: number }
  | { readonly type: 'multiple'; readonly of: number };

/** A piece of what `s` puts in: text, a group of the match, or a change of case for what follows. */
export type Replacement =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'group'; readonly group: number }
  | { readonly type: 'case'; readonly to: 'U' | 'L' | 'u' | 'l' | 'E' };

export type Action =
  | { readonly name: 'd' | 'D' | 'g' | 'G' | 'h' | 'H' | 'l' | 'n' | 'N' | 'p' | 'P' | 'x' | 'z' | '=' | '}' | ':' }
  /** Where to go on when the address does not hold. */
  | { readonly name: '{'; end: number }
  | { readonly name: 'a' | 'i' | 'c'; readonly text: string }
  | { readonly name: 'q' | 'Q'; readonly exitCode: number }
  | { readonly name: 'r' | 'w'; readonly file: string }
  /** Where to go on; without a label at the end of the script. */
  | { readonly name: 'b' | 't' | 'T'; readonly label: string; to: number }
  | { readonly name: 'y'; readonly map: ReadonlyMap<string, string> }
  | Substitution;

export interface Substitution {
  readonly name: 's';
  readonly pattern: RE2JS | undefined;
  readonly replacement: readonly Replacement[];
  readonly all: boolean;
  /** The first match that counts. */
  readonly nth: number;
  readonly print: boolean;
  readonly file: string | undefined;
}

export interface SedCommand {
  readonly from: Address | undefined;
  readonly to: RangeEnd | undefined;
  /** `0,/pattern/`: the range may end at the first line. */
  readonly zero: boolean;
  readonly negated: boolean;
  readonly action: Action;
}
