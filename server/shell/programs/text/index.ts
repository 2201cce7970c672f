import type { Command } from '../../command.ts';
import { awk } from '../awk/index.ts';
import { jq } from '../jq/index.ts';
import { sed } from '../sed/index.ts';
import { basicCommands } from './basics.ts';
import { callerCommands } from './callers.ts';
import { columnCommands } from './columns.ts';
import { diff } from './diff.ts';
import { encodingCommands } from './encoding.ts';
import { fileCommands } from './files.ts';
import { grep } from './grep.ts';
import { lineCommands } from './lines.ts';
import { sort } from './sort.ts';
import { testCommands } from './test.ts';
import { tr } from './tr.ts';

export const textCommands: readonly Command[] = [
  ...fileCommands,
  grep,
  sed,
  awk,
  diff,
  jq,
  sort,
  ...lineCommands,
  ...columnCommands,
  tr,
  ...encodingCommands,
  ...callerCommands,
  ...basicCommands,
  ...testCommands,
];
