import type { Command } from '../../command.ts';
import { basicCommands } from './basics.ts';
import { encodingCommands } from './encoding.ts';
import { fileCommands } from './files.ts';
import { grep } from './grep.ts';
import { lineCommands } from './lines.ts';

export const textCommands: readonly Command[] = [
  ...fileCommands,
  grep,
  ...lineCommands,
  ...encodingCommands,
  ...basicCommands,
];
