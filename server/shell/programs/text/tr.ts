import { type Command, UsageError } from '../../command.ts';
import { onOff } from '../../flags.ts';
import { textFlags } from './input.ts';
import { unescape } from './printf-format.ts';

const CLASSES: Readonly<Record<string, RegExp>> = {
  alpha: /[A-Za-z]/,
  digit: /\d/,
  alnum: /[A-Za-z\d]/,
  upper: /[A-Z]/,
  lower: /[a-z]/,
  space: /[ \t\n\v\f\r]/,
  blank: /[ \t]/,
  punct: /[!-/:-@[-`{-~]/,
  print: /[ -~]/,
  xdigit: /[A-Fa-f\d]/,
};
const ASCII = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const MAX_SET = 4096;

/** Replaces, deletes and squeezes characters. Source: POSIX, tr. */
export const tr: Command = {
  name: 'tr',
  summary: 'replace or delete characters',
  manual: `tr [-c] [-d] [-s] set [set]   tr a-z A-Z · tr -d '\\n' · tr -s ' ' · tr ',' '\\n' · tr -d '[:space:]'`,
  run: async (args, io) => {
    const flags = textFlags('tr', args, {
      complement: onOff('c'),
      'complement-upper': onOff('C'),
      delete: onOff('d'),
      'squeeze-repeats': onOff('s'),
      'truncate-set1': onOff('t'),
    });
    const [first, second, more] = flags.words;
    const deletes = flags.on('delete');
    const squeezes = flags.on('squeeze-repeats');
    if (first === undefined) throw new UsageError("tr: missing operand\nTry 'man tr' for what it knows here.");
    if (second === undefined && !deletes && !squeezes)
      throw new UsageError(`tr: missing operand after '${first}'\nTwo strings must be given when translating.`);
    if (more !== undefined || (second !== undefined && deletes && !squeezes))
      throw new UsageError(`tr: extra operand '${more ?? second}'`);
    const complement = flags.on('complement') || flags.on('complement-upper');
    const from = charactersOf(first);
    const to = second === undefined ? undefined : charactersOf(second);
    const listed = new Set(from);
    const isIn = (char: string): boolean => listed.has(char) !== complement;
    const map = deletes || to === undefined ? undefined : mapping(from, to, complement);
    const squeezed = new Set(to ?? from);
    const isSqueezed = (char: string): boolean => (to === undefined ? isIn(char) : squeezed.has(char));
    let last = '';
    for await (const chunk of io.stdin) {
      let result = '';
      for (const char of chunk) {
        if (deletes && isIn(char)) continue;
        const next = map && isIn(char) ? map(char) : char;
        if (squeezes && next === last && isSqueezed(next)) continue;
        result += next;
        last = next;
      }
      io.out(result);
    }
    return 0;
  },
};

/** `a-z`, `[:upper:]`, `\n` and plain characters, one by one. */
function charactersOf(set: string): string[] {
  const characters: string[] = [];
  const pattern = /\[:(\w+):\]|(\\(?:[0-7]{1,3}|.)|[^\\])(?:-(\\(?:[0-7]{1,3}|.)|[^\\]))?|\\/gs;
  for (const [whole, name, from, to] of set.matchAll(pattern)) {
    if (name !== undefined) {
      const members = CLASSES[name];
      if (!members) throw new UsageError(`tr: invalid character class '${name}'`);
      characters.push(...ASCII.filter((char) => members.test(char)));
    } else if (to === undefined) characters.push(unescape(from ?? whole).text);
    else {
      const [first, last] = [codeOf(from), codeOf(to)];
      if (last < first)
        throw new UsageError(`tr: range-endpoints of '${whole}' are in reverse collating sequence order`);
      if (last - first > MAX_SET) throw new UsageError(`tr: a range has at most ${MAX_SET} characters`);
      for (let code = first; code <= last; code++) characters.push(String.fromCodePoint(code));
    }
  }
  return characters;
}

const codeOf = (text: string | undefined): number => unescape(text ?? '').text.codePointAt(0) ?? 0;

/** The last character of the second set stands for those that it lacks. */
function mapping(from: readonly string[], to: readonly string[], complement: boolean): (char: string) => string {
  const last = to.at(-1);
  if (last === undefined) throw new UsageError('tr: when not truncating set1, string2 must be non-empty');
  if (complement) return () => last;
  const map = new Map(from.map((char, index) => [char, to[index] ?? last]));
  return (char) => map.get(char) ?? char;
}
