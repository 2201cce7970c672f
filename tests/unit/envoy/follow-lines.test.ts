import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { followLines } from '../../../server/envoy/follow-lines.ts';
import { createFakeClock } from '../data-plane/fake-clock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'meshwork-lines-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('hands over whole lines as they are appended, and what is left when it stops', () => {
  const file = join(folder, 'log');
  writeFileSync(file, 'first\nsec');
  const clock = createFakeClock();
  const lines: string[] = [];
  const followed = followLines(file, clock, (line) => lines.push(line));
  expect(lines).toEqual(['first']);
  appendFileSync(file, `ond\n${'x'.repeat(200_000)}\n\n`);
  clock.advance(50);
  expect(lines.slice(1).map((line) => line.length)).toEqual([6, 200_000, 0]);
  appendFileSync(file, 'at once\n');
  followed.read();
  expect(lines.at(-1)).toBe('at once');
  appendFileSync(file, 'grün\n');
  followed.stop();
  followed.stop();
  expect(lines.at(-1)).toBe('grün');
  appendFileSync(file, 'later\n');
  followed.read();
  clock.advance(1000);
  expect(lines.at(-1)).toBe('grün');
});
