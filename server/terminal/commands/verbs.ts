import { type Command, UsageError } from '../command.ts';
import type { Verb } from './kubectl/verb.ts';

export interface VerbCommand {
  readonly name: string;
  readonly summary: string;
  readonly intro: string;
  readonly verbs: readonly Verb[];
}

/** A command whose first word is a verb. Flags may stand before the verb (`kubectl -n shop get pods`). */
export function withVerbs({ name, summary, intro, verbs }: VerbCommand): Command {
  const find = (word: string): Verb | undefined =>
    verbs.find((verb) => verb.name === word || verb.aliases?.includes(word));
  const manual = `${intro}\n\n${verbs.map((verb) => verb.manual).join('\n\n')}`;
  return {
    name,
    summary,
    manual,
    run: async (args, io, context) => {
      const { verbWord, rest } = splitVerb(args);
      if (verbWord === undefined || verbWord === 'help') {
        io.out(`${manual}\n`);
        return verbWord === 'help' ? 0 : 1;
      }
      const verb = find(verbWord);
      if (!verb)
        throw new UsageError(
          `error: unknown command "${verbWord}" for "${name}". Known: ${verbs.map((each) => each.name).join(', ')}`,
        );
      if (rest.includes('--help') || rest.includes('-h')) {
        io.out(`${verb.manual}\n`);
        return 0;
      }
      return verb.run(rest, io, context);
    },
    complete: (words, context) => {
      const { verbWord, rest } = splitVerb(words);
      if (words.length <= 1 || verbWord === undefined) return verbs.map((verb) => verb.name);
      return find(verbWord)?.complete?.(rest, context) ?? [];
    },
  };
}

function splitVerb(args: readonly string[]): { verbWord: string | undefined; rest: readonly string[] } {
  let at = 0;
  while (at < args.length && args[at]?.startsWith('-')) at += args[at] === '-A' || args[at]?.includes('=') ? 1 : 2;
  return { verbWord: args[at], rest: [...args.slice(0, at), ...args.slice(at + 1)] };
}
