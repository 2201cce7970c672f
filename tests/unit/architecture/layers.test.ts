import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const root = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

const sides = [
  ['server/data-plane/sidecar/outbound.ts', 'outbound', 0],
  ['server/data-plane/sidecar/inbound.ts', 'inbound', 1],
  ['server/data-plane/gateway/gateway.ts', 'gateway', 2],
] as const;

/** Names in the list that a file exports, in their order. */
function layersOf(file: string, list: string): string[] {
  const text = read(file);
  const from = text.indexOf(`export const ${list}`);
  const body = text.slice(text.indexOf('[\n', from), text.indexOf('\n];', from));
  return [...body.matchAll(/^ {2}(?:\.\.\.)?(\w+)[,(]/gm)].map(([, name]) => name!);
}

/** Cells of the table that follows a line of the document, row by row. */
function tableAfter(line: string): string[][] {
  const text = read('ARCHITECTURE.md');
  const rows = text
    .slice(text.indexOf(`\n${line}`))
    .split('\n\n')[1]!
    .split('\n')
    .slice(2);
  return rows.map((row) => row.split('|').slice(1, -1));
}

const namesIn = (cell: string): string[] => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!);

it.each(sides)('ARCHITECTURE.md lists the layers of a connection in the order of %s', (file, side, column) => {
  const rows = tableAfter('A connection:').map((cells) => {
    const own = cells[column + 1]!;
    return namesIn(own.includes('the same') ? cells[1]! : own)[0];
  });
  expect(rows.filter((name) => name !== undefined)).toEqual(layersOf(file, `${side}Connection`));
});

it.each(sides)('ARCHITECTURE.md lists the layers of a request in the order of %s', (file, side) => {
  const expected = layersOf(file, `${side}Request`);
  const rows = tableAfter('A request (').map((cells) => namesIn(cells[1]!));
  expect(rows.map((names) => names.find((name) => expected.includes(name)))).toEqual(expected);
});
