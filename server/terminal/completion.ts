import { type Command, type ShellContext, UsageError } from './command.ts';

export interface Completion {
  /** Where in the line the candidates begin. */
  readonly from: number;
  readonly candidates: readonly string[];
}

const MAX_CANDIDATES = 200;

/** Completes the word before the cursor: a command's name, a variable, or what the command knows. */
export function complete(
  before: string,
  shell: {
    readonly commands: ReadonlyMap<string, Command>;
    readonly context: ShellContext;
    readonly variables: ReadonlyMap<string, string>;
  },
): Completion {
  const { words, from, redirected } = lastCommand(before);
  const typed = words.at(-1) ?? '';
  const answer = (pool: readonly string[]): Completion => {
    const candidates = [...new Set(pool)].filter((candidate) => candidate.startsWith(typed)).sort();
    return { from, candidates: candidates.slice(0, MAX_CANDIDATES) };
  };
  if (/^\$\w*$/.test(typed)) return answer([...shell.variables.keys()].map((name) => `$${name}`));
  if (redirected) return answer(shell.context.files.list(''));
  const [name = '', ...rest] = words;
  if (rest.length === 0) return answer([...shell.commands.keys()]);
  try {
    return answer(shell.commands.get(name)?.complete?.(rest, shell.context) ?? []);
  } catch (error) {
    // What is typed so far names something that is not there; the command will say so when it is run.
    if (error instanceof UsageError) return answer([]);
    throw error;
  }
}

/** Words after which a command begins. */
const BEGINNERS = new Set(['do', 'while', 'until', 'if', 'elif', 'then', 'else', 'time', '!', '{', 'export', 'xargs']);

/** The words of the command that the cursor stands in, quotes removed; the last is the one that is being typed. */
function lastCommand(before: string): { words: string[]; from: number; redirected: boolean } {
  let words: string[] = [];
  let word = '';
  let from = 0;
  let quote = '';
  let redirected = false;
  const start = (at: number): void => {
    words = [];
    word = '';
    from = at;
    redirected = false;
  };
  for (let at = 0; at < before.length; at++) {
    const char = before[at] ?? '';
    if (quote !== '' && char === quote) quote = '';
    else if (quote !== "'" && char === '$' && before[at + 1] === '(') {
      quote = '';
      at += 1;
      start(at + 1);
    } else if (quote !== '') word += char;
    else if (char === '"' || char === "'") {
      if (word === '') from = at + 1;
      quote = char;
    } else if ('|;&\n('.includes(char)) start(at + 1);
    else if (char === '<' || char === '>') {
      word = '';
      from = at + 1;
      redirected = true;
    } else if (char === ' ' || char === '\t') {
      if (word !== '') {
        if (redirected) redirected = false;
        else words.push(word);
        if (words.length === 1 && (BEGINNERS.has(word) || /^\w+=/.test(word))) words = [];
        word = '';
      }
      from = at + 1;
    } else word += char;
  }
  return { words: [...words, word], from, redirected };
}
