import type { RE2JS } from 're2js';
import { formatDate } from '../text/date-format.ts';
import { format } from '../text/printf-format.ts';
import { numberOf, textOf, type Value } from './values.ts';

/** What the functions need that is not among their arguments. */
export interface FunctionWorld {
  nowMs(): number;
  /** Between 0 and 1. */
  random(): number;
  /** Returns the seed before. */
  seed(seed: number | undefined): number;
}

type Function = (args: readonly Value[], world: FunctionWorld) => Value;

const text = (args: readonly Value[], index: number): string => textOf(args[index]);
const number = (args: readonly Value[], index: number): number => numberOf(args[index]);

/** `substr(s, from, count)`: what of it lies inside of the text. Source: POSIX, awk, string functions. */
function substr(args: readonly Value[]): string {
  const all = text(args, 0);
  const from = Math.round(number(args, 1));
  const end = args.length > 2 ? from + Math.round(number(args, 2)) : Number.POSITIVE_INFINITY;
  return all.slice(Math.max(0, from - 1), Math.max(0, Math.min(all.length, end - 1)));
}

export function sprintf(args: readonly Value[]): string {
  let at = 1;
  const next = (): Value => args[at++];
  return format(text(args, 0), {
    text: () => {
      const value = next();
      return textOf(value);
    },
    number: () => numberOf(next()),
  });
}

/** Functions of values only; those that also change something (`sub`, `split`, `match` …) stand with the interpreter. */
export const valueFunctions: Readonly<Record<string, Function>> = {
  substr: (args) => substr(args),
  index: (args) => text(args, 0).indexOf(text(args, 1)) + 1,
  tolower: (args) => text(args, 0).toLowerCase(),
  toupper: (args) => text(args, 0).toUpperCase(),
  sprintf: (args) => sprintf(args),
  int: (args) => Math.trunc(number(args, 0)),
  sqrt: (args) => Math.sqrt(number(args, 0)),
  exp: (args) => Math.exp(number(args, 0)),
  log: (args) => Math.log(number(args, 0)),
  sin: (args) => Math.sin(number(args, 0)),
  cos: (args) => Math.cos(number(args, 0)),
  atan2: (args) => Math.atan2(number(args, 0), number(args, 1)),
  rand: (_args, world) => world.random(),
  srand: (args, world) => world.seed(args.length === 0 ? undefined : number(args, 0)),
  systime: (_args, world) => Math.floor(world.nowMs() / 1000),
  strftime: (args, world) =>
    formatDate(
      args.length === 0 ? '%a %b %e %H:%M:%S %Z %Y' : text(args, 0),
      args.length > 1 ? number(args, 1) * 1000 : world.nowMs(),
    ),
};

export const functionNames: ReadonlySet<string> = new Set([
  ...Object.keys(valueFunctions),
  ...['length', 'split', 'sub', 'gsub', 'match', 'system', 'close', 'fflush'],
]);

/** `sub` and `gsub`: the text with matches replaced, and how many; `&` is the match, `\\&` an ampersand. */
export function substitute(
  pattern: RE2JS,
  { by, target, all }: { readonly by: string; readonly target: string; readonly all: boolean },
): { readonly text: string; readonly count: number } {
  const found = pattern.matcher(target);
  let [result, at, count, lastEnd] = ['', 0, 0, -1];
  while (found.find()) {
    // An empty match right behind another match is none.
    if (found.end() === found.start() && found.start() === lastEnd) continue;
    lastEnd = found.end();
    count += 1;
    const match = target.slice(found.start(), found.end());
    result +=
      target.slice(at, found.start()) + by.replace(/\\(\\|&)|&/g, (_whole, escaped?: string) => escaped ?? match);
    at = found.end();
    if (!all) break;
  }
  return { text: result + target.slice(at), count };
}
