import { onOff } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { completeTargets, getObject, printedName } from './targets.ts';
import { choiceFlags, chosen, mergeInto, type Named } from './write.ts';

type Pairs = Readonly<Record<string, string | null>>;

/** Splits `kind name key=value key-` into the object's words and the pairs; null removes. */
function splitPairs(words: readonly string[]): { words: readonly string[]; pairs: Pairs } {
  const isPair = (word: string): boolean => /^[\w./-]+=/.test(word) || /^[\w./-]+-$/.test(word);
  const pairs = words
    .filter(isPair)
    .map((word): [string, string | null] =>
      word.includes('=')
        ? [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]
        : [word.slice(0, -1), null],
    );
  return { words: words.filter((word) => !isPair(word)), pairs: Object.fromEntries(pairs) };
}

interface Words {
  readonly name: 'label' | 'annotate';
  readonly field: 'labels' | 'annotations';
  readonly noun: string;
  /** What is said of keys that have another value and may not be overwritten. */
  clash(texts: readonly string[]): string;
  done(pairs: Pairs, changed: boolean): string;
}

function metadataVerb({ name, field, noun, clash, done }: Words): Verb {
  return {
    name,
    manual: `kubectl ${name} <kind> <name…> key=value… [key-] [--overwrite] [--all | -l selector] [-n namespace]`,
    flags: { ...choiceFlags, overwrite: onOff(), list: onOff() },
    run: async (flags, io, context) => {
      const { words, pairs } = splitPairs(flags.words);
      if (flags.on('list')) {
        io.out(listed(chosen(context, words, flags, name), field, context));
        return 0;
      }
      if (Object.keys(pairs).length === 0) throw new UsageError(`error: at least one ${noun} update is required`);
      for (const target of chosen(context, words, flags, name)) {
        const current = getObject(context, target.kind, target.namespace, target.name).metadata[field] ?? {};
        const others = Object.entries(pairs).filter(
          ([key, text]) => text !== null && current[key] !== undefined && current[key] !== text,
        );
        if (others.length > 0 && !flags.on('overwrite'))
          throw new UsageError(clash(others.map(([key]) => `'${key}' already has a value (${current[key]})`)));
        for (const [key, text] of Object.entries(pairs))
          if (field === 'labels' && text === null && current[key] === undefined)
            io.out(`${noun} "${key}" not found.\n`);
        const changed = mergeInto(context, target, { metadata: { [field]: pairs } }, `kubectl ${name} ${target.name}`);
        io.out(`${printedName(target.kind, target.name)} ${done(pairs, changed)}\n`);
      }
      return 0;
    },
    complete: completeTargets,
  };
}

/** `key=value` by key; several objects under their names. */
function listed(targets: readonly Named[], field: Words['field'], context: ShellContext): string {
  return targets
    .flatMap(({ kind, name, namespace }) => {
      const pairs = Object.entries(getObject(context, kind, namespace, name).metadata[field] ?? {});
      const lines = pairs.map(([key, text]) => `${key}=${text}`).sort();
      if (targets.length === 1) return lines;
      return [`Listing ${field} for ${kind.kind}.${kind.group}/${name}:`, ...lines.map((line) => ` ${line}`)];
    })
    .map((line) => `${line}\n`)
    .join('');
}

export const label = metadataVerb({
  name: 'label',
  field: 'labels',
  noun: 'label',
  clash: (texts) => `error: ${texts.map((text) => `${text}, and --overwrite is false`).join('\n')}`,
  done: (pairs, changed) => {
    if (!changed) return 'not labeled';
    return Object.values(pairs).every((text) => text === null) ? 'unlabeled' : 'labeled';
  },
});

export const annotate = metadataVerb({
  name: 'annotate',
  field: 'annotations',
  noun: 'annotation',
  clash: (texts) => `error: --overwrite is false but found the following declared annotation(s): ${texts.join('; ')}`,
  done: () => 'annotated',
});
