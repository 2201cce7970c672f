import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '#domain';
import {
  type AnalyzeOptions,
  analyze,
  levelName,
  parseManifests,
  readMeshSettings,
  readRegistryEndpoints,
} from '#istio';
import { checkMessage } from '#xds';

// A case is a pair of files: objects, and what `istioctl analyze` finds in them; below `ours`, what we find besides. Beside them may stand a mesh
// configuration and mesh networks. UPDATE_GOLDEN=1 writes the second file anew.
const folder = import.meta.dirname;
const update = process.env['UPDATE_GOLDEN'] === '1';

function readBeside<Value>(path: string, read: (text: string) => Value): Value | undefined {
  return existsSync(path) ? read(readFileSync(path, 'utf8')) : undefined;
}

/** `# --namespace NS` in the first line stands for the flag. */
function optionsOf(text: string, base: string): AnalyzeOptions {
  const [, namespace] = /^# --namespace (\S+)\n/.exec(text) ?? [];
  return {
    ...(namespace === undefined ? { namespace: '' } : { namespace, only: namespace }),
    settings: readBeside(`${base}.mesh.yaml`, readMeshSettings),
    registryEndpoints: readBeside(`${base}.networks.yaml`, readRegistryEndpoints),
    schema: { checkMessage },
  };
}

function line({ severity, code, origin, message }: Diagnostic): string {
  const namespace = origin?.namespace ? `${origin.namespace}/` : '';
  return `${levelName(severity)} [${code}] ${origin?.kind} ${namespace}${origin?.name}: ${message}\n`;
}

describe('analyze', () => {
  for (const file of globSync('**/*.in.yaml', { cwd: folder }).sort()) {
    const name = file.slice(0, -'.in.yaml'.length);
    it(`finds in ${name} what its .out.txt says`, () => {
      const base = join(folder, name);
      const text = readFileSync(`${base}.in.yaml`, 'utf8');
      const { documents } = parseManifests([{ file: `${name}.yaml`, text }]);
      const all = analyze([], documents, optionsOf(text, base));
      const shown = name.startsWith('ours') ? all : all.filter(({ code }) => code.startsWith('IST'));
      const found = shown.map(line).sort().join('');
      if (update) writeFileSync(`${base}.out.txt`, found);
      expect(found).toBe(readFileSync(`${base}.out.txt`, 'utf8'));
    });
  }
});
