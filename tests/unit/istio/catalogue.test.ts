import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnosticCatalogue } from '#istio';

const room = join(import.meta.dirname, '../../../server');
const sources = readdirSync(room, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('catalogue.ts'))
  .map((file) => readFileSync(join(room, file), 'utf8'))
  .join('\n');

describe('the catalogue', () => {
  it('has each code once, in the form of its owner', () => {
    const codes = diagnosticCatalogue.map((entry) => entry.code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const code of codes) expect(code).toMatch(/^(?:IST0\d{3}|MW\d{4})$/);
  });

  it('lists every code that the server gives a learner', () => {
    const given = new Set(sources.match(/'(?:IST0\d{3}|MW0\d{3})'/g)?.map((quoted) => quoted.slice(1, -1)));
    const known = new Set(diagnosticCatalogue.map((entry) => entry.code));
    expect([...given].filter((code) => !known.has(code))).toEqual([]);
  });

  it.each(diagnosticCatalogue.map((entry) => [entry.code, entry] as const))(
    '%s is given by some rule, and says what to do',
    (code, entry) => {
      expect(sources).toContain(`'${code}'`);
      expect(entry.title).toMatch(/^[A-Z]/);
      expect(entry.hint).toMatch(/\.$|: kubectl /);
      if (entry.lesson) expect(entry.lesson).toMatch(/^\/words\/[a-z0-9-]+$/);
    },
  );
});
