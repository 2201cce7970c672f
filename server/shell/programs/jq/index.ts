import { type Command, UsageError } from '../../command.ts';
import { readAll } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from '../text/input.ts';
import { builtinNames, evaluate, JqError } from './evaluate.ts';
import { parseFilter } from './parse.ts';

const MANUAL = `jq [-r] [-c] [-e] filter [files…]
Takes JSON apart. -r: text without quotes; -c: one line each; -e: exit code 1 when the last result is false or null.

.items[].metadata.name             the names in a list of objects
.items | length                    how many there are
[.items[] | select(.kind == "Pod")]  only some of them
map({name: .metadata.name})        objects of their own
"\\(.kind)/\\(.metadata.name)"       text with values in it

Operators: | , // and or == != < <= > >= + - * / % ?   Functions: ${builtinNames.join(' ')}`;

/** A jq of the parts that lessons and everyday questions need; filters that it does not know are refused in words. */
export const jq: Command = {
  name: 'jq',
  summary: 'take JSON apart',
  manual: MANUAL,
  run: async (args, io, world) => {
    const flags = textFlags('jq', args, {
      'raw-output': { takes: 'nothing', short: 'r' },
      'compact-output': { takes: 'nothing', short: 'c' },
      'exit-status': { takes: 'nothing', short: 'e' },
    });
    const [filter, ...files] = flags.words;
    if (filter === undefined) throw new UsageError('usage: jq [-r] [-c] [-e] filter [files…]', 2);
    const program = parseFilter(filter);
    let last: unknown;
    try {
      for (const value of readDocuments(await readAll(input('jq', files, io, world)))) {
        for (const result of evaluate(program, value)) {
          last = result;
          const plain = flags.on('raw-output') && typeof result === 'string';
          io.out(`${plain ? result : JSON.stringify(result, null, flags.on('compact-output') ? undefined : 2)}\n`);
        }
      }
    } catch (error) {
      if (!(error instanceof JqError)) throw error;
      throw new UsageError(`jq: error: ${error.message}`, 5);
    }
    return flags.on('exit-status') && (last === undefined || last === null || last === false) ? 1 : 0;
  },
  complete: completeFiles,
};

/** One document, or one on each line. */
function readDocuments(text: string): unknown[] {
  if (text.trim() === '') return [];
  const whole = parse(text);
  if (whole !== undefined) return [whole.value];
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, at) => {
      const one = parse(line);
      if (one === undefined) throw new UsageError(`jq: parse error: line ${at + 1} is not JSON`, 2);
      return one.value;
    });
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    // Perhaps one document a line; else the caller says which line is none.
    return undefined;
  }
}
