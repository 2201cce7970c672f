import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { slugsWithFields } from '../../../src/course/field-terms.ts';
import { slugOf } from '../../../src/course/terms.ts';
import { TermBook } from '../../../src/islands/yaml-editor/terms.ts';

const entry = (term: string, ...others: string[]) => ({ term, slug: slugOf(term), gist: '', names: [term, ...others] });
const book = new TermBook([
  entry('subset'),
  entry('retry', 'retries'),
  entry('outlier detection'),
  entry('round robin'),
  entry('TLS'),
  entry('traffic shifting', 'weight'),
  entry('sidecar injection', 'sidecar.istio.io/inject'),
]);
const found = (line: string) =>
  book.inLine(line).map(({ entry: { term }, column, endColumn }) => [term, line.slice(column - 1, endColumn - 1)]);

test('fields and values are the term in camel case, in capitals, in plural, and by its other names', () => {
  expect(found('  subsets:')).toEqual([['subset', 'subsets']]);
  expect(found('    outlierDetection: { }')).toEqual([['outlier detection', 'outlierDetection']]);
  expect(found('      simple: ROUND_ROBIN')).toEqual([['round robin', 'ROUND_ROBIN']]);
  expect(found('  - { subset: v2, weight: 10 }')).toEqual([
    ['subset', 'subset'],
    ['traffic shifting', 'weight'],
  ]);
  expect(found('  sidecar.istio.io/inject: "false"')).toEqual([['sidecar injection', 'sidecar.istio.io/inject']]);
  expect(found('tls:')).toEqual([['TLS', 'tls']]);
});

test('comments are prose, and a part of a word is no term', () => {
  expect(found('# the subset of reviews')).toEqual([]);
  expect(found('  subset: v2 # a subset')).toEqual([['subset', 'subset']]);
  expect(found('  subsetter: 1')).toEqual([]);
});

test('every word that the table of fields names stands in the glossary', () => {
  const folder = join(import.meta.dirname, '..', '..', '..', 'glossary');
  const slugs = readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .map((file) => slugOf(/^term: "?([^"\n]+)/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? ''));
  expect(slugsWithFields.filter((slug) => !slugs.includes(slug))).toEqual([]);
});
