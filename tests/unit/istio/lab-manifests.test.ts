import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gatewayKinds, parseManifests, validateDocument } from '#istio';
import { allKinds } from './manifests.ts';

const labs = join(import.meta.dirname, '../../../labs');
const files = readdirSync(labs, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\/(?:topology|start|solution)\/.*\.ya?ml$/.test(file))
  .map((file) => ({ file, text: readFileSync(join(labs, file), 'utf8') }));

describe('the labs’ own manifests', () => {
  it.each(files.map((each) => [each.file, each] as const))('%s is accepted', (_, file) => {
    const { documents, diagnostics } = parseManifests([file]);
    const found = [
      ...diagnostics,
      ...documents.flatMap((document) => validateDocument(document, [...allKinds, ...gatewayKinds])),
    ];
    expect(found.filter((each) => each.severity === 'error')).toEqual([]);
    // A learner may start with an empty sheet, and end with one; the mesh they work on is never empty.
    if (file.file.includes('/topology/')) expect(documents.length).toBeGreaterThan(0);
  });
});
