import type { Command } from '../../command.ts';
import { jq } from '../jq/index.ts';
import { basicCommands } from './basics.ts';
import { diff } from './diff.ts';
import { encodingCommands } from './encoding.ts';
import { fileCommands } from './files.ts';
import { grep } from './grep.ts';
import { lineCommands } from './lines.ts';
import { testCommands } from './test.ts';

export const textCommands: readonly Command[] = [
  ...fileCommands,
  grep,
  diff,
  jq,
  ...lineCommands,
  ...encodingCommands,
  ...basicCommands,
  ...testCommands,
];
