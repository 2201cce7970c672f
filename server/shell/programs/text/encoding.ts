import { type Command, UsageError } from '../../command.ts';
import { readAll } from '../../language/pipe.ts';
import { completeFiles, input, textFlags } from './input.ts';

const LINE = 76;

const base64: Command = {
  name: 'base64',
  summary: 'encode, or decode with -d',
  manual: "base64 [-d] [-w columns] [files…]   For Secrets: kubectl get secret x -o jsonpath='{.data.a}' | base64 -d",
  run: async (args, io, world) => {
    const flags = textFlags('base64', args, {
      decode: { takes: 'nothing', short: 'd' },
      wrap: { takes: 'value', short: 'w' },
    });
    const text = await readAll(input('base64', flags.words, io, world));
    if (flags.on('decode')) {
      const bare = text.replace(/\s/g, '');
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(bare)) throw new UsageError('base64: invalid input');
      io.out(Buffer.from(bare, 'base64').toString('utf8'));
      return 0;
    }
    const encoded = Buffer.from(text).toString('base64');
    const columns = Number(flags.text('wrap') ?? LINE);
    const wraps = columns > 0 ? new RegExp(`.{1,${columns}}`, 'g') : /.+/g;
    io.out(`${(encoded.match(wraps) ?? []).join('\n')}${columns > 0 ? '\n' : ''}`);
    return 0;
  },
  complete: completeFiles,
};

export const encodingCommands: readonly Command[] = [base64];
