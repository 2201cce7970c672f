import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '#domain';
import { diagnosticCatalogue, gatewayKinds, istioKinds, parseManifests, validateDocument } from '#istio';
import { coreKinds } from '#kube-api';

const root = join(import.meta.dirname, '../../..');
const own = diagnosticCatalogue.filter(({ code }) => code.startsWith('MW'));

describe('the catalogue of our own codes', () => {
  it('has every code once', () => {
    const codes = own.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.length).toBeGreaterThanOrEqual(40);
  });

  it.each(own)('says of $code what to do, and leads to a word of the glossary', ({ hint, lesson, title }) => {
    expect(hint).toMatch(/^[A-Z].{15,}/);
    expect(title).not.toBe('');
    const [, word] = /^\/words\/([a-z0-9-]+)$/.exec(lesson ?? '') ?? [];
    expect(existsSync(join(root, 'glossary', `${word}.md`)), `${lesson} leads to no word`).toBe(true);
  });

  it('knows every code that the server names', () => {
    const named = new Set<string>();
    for (const file of globSync('server/**/*.ts', { cwd: root })) {
      if (basename(file) === 'catalogue.ts') continue;
      for (const [code] of readFileSync(join(root, file), 'utf8').matchAll(/\bMW0\d{3}\b/g)) named.add(code);
    }
    const known = new Set(own.map(({ code }) => code));
    expect([...named].filter((code) => !known.has(code)).sort()).toEqual([]);
  });
});

const kinds = [...coreKinds, ...istioKinds, ...gatewayKinds];

const virtualService = (fields: string): string =>
  `apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  ${fields}\n`;

function found(text: string, code: string): Diagnostic | undefined {
  const { documents } = parseManifests([{ file: 'a.yaml', text }]);
  return documents.flatMap((document) => validateDocument(document, kinds)).find((each) => each.code === code);
}

/** The text after the click. */
function repaired(text: string, { fix }: Diagnostic): string | undefined {
  if (fix === undefined) return undefined;
  const lines = text.split('\n');
  const { line, column, endColumn } = fix.range;
  const old = lines[line - 1] ?? '';
  lines[line - 1] = old.slice(0, column - 1) + fix.text + old.slice(endColumn - 1);
  return lines.join('\n');
}

describe('a fix of one click', () => {
  it.each([
    ['MW0101', virtualService('htpp: []'), virtualService('http: []')],
    [
      'MW0103',
      virtualService('http: [{redirect: {uri: /a, derivePort: FROM_REQEST_PORT}}]'),
      virtualService('http: [{redirect: {uri: /a, derivePort: FROM_REQUEST_PORT}}]'),
    ],
    ['MW0012', virtualService('http: []').replace('Service', 'Servise'), virtualService('http: []')],
    ['MW0012', virtualService('http: []').replace('/v1', '/v2'), virtualService('http: []')],
  ])('changes what %s is about into what was meant', (code, text, expected) => {
    const problem = found(text, code);
    expect(problem && repaired(text, problem)).toBe(expected);
    expect(found(expected, code)).toBeUndefined();
  });

  it.each([
    ['a field that is there already', 'MW0101', virtualService('http: []\n  htpp: []')],
    ['a word that is near to nothing', 'MW0101', virtualService('somethingElse: []')],
    ['a word that is as near to several', 'MW0101', virtualService('t: []')],
  ])('is not offered for %s', (_, code, text) => {
    const problem = found(text, code);
    expect(problem).toBeDefined();
    expect(problem?.fix).toBeUndefined();
  });
});
