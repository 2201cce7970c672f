import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze, parseManifests, validateDocument } from '#istio';
import { allKinds, destinationRule, virtualService } from './manifests.ts';

const labs = join(import.meta.dirname, '../../../labs');
const files = readdirSync(labs, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\/(?:topology|start|solution)\/.*\.ya?ml$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(labs, file), 'utf8') }));

describe('the labs’ own manifests', () => {
  it.each(files.map((each) => [each.file, each] as const))('%s is accepted', (_, file) => {
    const { documents, diagnostics } = parseManifests([file]);
    const found = [...diagnostics, ...documents.flatMap((document) => validateDocument(document, allKinds))];
    expect(found.filter((each) => each.severity === 'error')).toEqual([]);
    expect(documents.length).toBeGreaterThan(0);
  });
});

describe('speed', () => {
  it('validates and analyzes fifty resources within a tenth of a second', () => {
    const text = Array.from({ length: 25 }, (_, i) => {
      const rules = `hosts: [reviews-${i}]\nhttp:\n${'- match: [{headers: {end-user: {exact: jason}}}]\n  route: [{destination: {host: reviews, subset: v1}}]\n'.repeat(4)}`;
      const subsets = 'subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]';
      return `${virtualService(rules, `vs-${i}`)}---\n${destinationRule(subsets, `dr-${i}`)}`;
    }).join('---\n');
    const { documents } = parseManifests([{ file: 'a.yaml', text }]);
    expect(documents).toHaveLength(50);
    const once = (): number => {
      const start = performance.now();
      for (const document of documents) validateDocument(document, allKinds);
      analyze([], documents);
      return performance.now() - start;
    };
    once();
    expect(Math.min(once(), once(), once())).toBeLessThan(100);
  });
});
