import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { meshFlags } from '../../../scripts/node.mjs';
import { HEAP_LIMIT_MB, v8Flags } from '../../../server/api/gateway/v8-flags.ts';

it('a mesh of one process is run with flags that sandboxes have, too', () => {
  expect(v8Flags(HEAP_LIMIT_MB)).toEqual(expect.arrayContaining(meshFlags));
});

it('V8 knows every flag that a sandbox is run with or sets', () => {
  const listed = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  const known = new Set(Array.from(listed.matchAll(/^ {2}--(\S+) /gm), ([, name]) => name));
  const flags = [...v8Flags(HEAP_LIMIT_MB), '--heap-growing-percent'];
  const names = flags.map((flag) => flag.replace(/^--(no-)?/, '').replace(/=.*/, ''));
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});
