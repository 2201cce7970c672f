import { readFlags, readPartialFlags, verbDialect } from '#shell';
import { type Command, type ShellContext, UsageError } from '../command.ts';
import { completeFlagValue } from './complete-flags.ts';
import { globalFlags, type Verb } from './verb.ts';

export interface VerbCommand {
  readonly name: string;
  readonly summary: string;
  readonly intro: string;
  readonly verbs: readonly Verb[];
  /** The exit code for what the command does not know; 1 when absent. */
  readonly usageCode?: number;
  /** What is said of a word that is no verb, where there is something better to say than that. */
  unknown?(word: string, context: ShellContext): UsageError | undefined;
  /** The text and exit code of what a verb threw, where the command has its own words for it. */
  explain?(error: unknown): UsageError | undefined;
}

/** A command whose first word is a verb. Flags may stand before the verb (`kubectl -n shop get pods`). */
export function withVerbs(options: VerbCommand): Command {
  const { name, summary, intro, verbs } = options;
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
        io.out(`${find(rest[0] ?? '')?.manual ?? manual}\n`);
        return 0;
      }
      const verb = find(verbWord);
      if (!verb) throw options.unknown?.(verbWord, context) ?? unknownVerb(name, verbWord, options);
      const dashes = rest.indexOf('--');
      if ((dashes < 0 ? rest : rest.slice(0, dashes)).some((arg) => arg === '--help' || arg === '-h')) {
        io.out(`${verb.manual}\n`);
        return 0;
      }
      const given = verb.anyFlags ? [] : rest;
      const flags = readFlags(
        given,
        { ...globalFlags, ...verb.flags },
        verbDialect(`${name} ${verb.name}`, options.usageCode),
      );
      try {
        return await verb.run(flags, io, context);
      } catch (error) {
        throw options.explain?.(error) ?? error;
      }
    },
    complete: (args, context) => {
      const { verbWord, rest, typing } = splitVerb(args);
      if (verbWord === undefined || typing) {
        const { waiting } = readPartialFlags(args.slice(0, -1), globalFlags);
        if (waiting !== undefined)
          return completeFlagValue(waiting, { words: [], namespace: context.kube.namespace }, context);
        return args.at(-1)?.startsWith('-') ? longFlags(globalFlags) : verbs.map((verb) => verb.name);
      }
      const verb = find(verbWord);
      return verb ? completeVerb(verb, rest, context) : [];
    },
  };
}

function completeVerb(verb: Verb, args: readonly string[], context: ShellContext): readonly string[] {
  const spec = { ...globalFlags, ...verb.flags };
  const last = args.at(-1) ?? '';
  const before = readPartialFlags(args.slice(0, -1), spec);
  const namespace = before.values.get('namespace') ?? context.kube.namespace;
  const typed = { words: [...before.words, last], namespace };
  if (before.waiting !== undefined) return completeFlagValue(before.waiting, typed, context);
  if (!last.startsWith('-')) return verb.complete?.(typed, context) ?? [];
  const [, name] = /^--([\w-]+)=/.exec(last) ?? [];
  if (name === undefined) return longFlags(spec);
  return completeFlagValue(name, typed, context).map((candidate) => `--${name}=${candidate}`);
}

const longFlags = (spec: Readonly<Record<string, unknown>>): string[] => Object.keys(spec).map((name) => `--${name}`);

/** Finds the verb behind flags that stand before it; those go to the verb. `typing`: nothing follows the verb yet. */
function splitVerb(args: readonly string[]): {
  verbWord: string | undefined;
  rest: readonly string[];
  typing: boolean;
} {
  let at = 0;
  while (args[at]?.startsWith('-')) {
    const { waiting } = readPartialFlags([args[at] ?? ''], globalFlags);
    at += waiting === undefined ? 1 : 2;
  }
  return {
    verbWord: args[at],
    rest: [...args.slice(0, at), ...args.slice(at + 1)],
    typing: at === args.length - 1,
  };
}

function unknownVerb(name: string, word: string, { verbs, usageCode }: VerbCommand): UsageError {
  const near = verbs.filter((verb) => distance(verb.name, word) <= 2).map((verb) => verb.name);
  const guess = near.length > 0 ? `\n\nDid you mean this?\n\t${near.join('\n\t')}\n` : '';
  return new UsageError(
    `Error: unknown command "${word}" for "${name}"${guess}\nRun '${name} --help' for what it knows here.`,
    usageCode,
  );
}

/** Levenshtein's distance of two short words. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
