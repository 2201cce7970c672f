import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildResources, type ProxyResources } from '#control-plane';
import type { KubeObject } from '#domain';
import { encodeResource, type ResourceByType, typeUrls } from '#xds';
import { type CaseHeader, nodeOf, parseDocuments, snapshotOf } from './mesh.ts';

// A case is a pair of files; UPDATE_GOLDEN=1 writes the second one anew.
const folder = import.meta.dirname;
const update = process.env['UPDATE_GOLDEN'] === '1';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

function build(text: string): { header: CaseHeader; resources: ProxyResources } {
  const [first, ...objects] = parseDocuments(text);
  const header = first as CaseHeader;
  const shared = (header.include ?? []).flatMap((name) => parseDocuments(read(name)));
  const snapshot = snapshotOf([...shared, ...objects] as KubeObject[], header);
  return { header, resources: buildResources(snapshot, nodeOf(header.proxy)) };
}

function selected({ header, resources }: ReturnType<typeof build>): Record<string, unknown> {
  const parts = header.show ?? (['listeners', 'routes', 'clusters', 'endpoints'] as const);
  const keep = (resource: object): boolean => {
    const { name, cluster_name } = resource as { readonly name?: string; readonly cluster_name?: string };
    const own = name ?? cluster_name ?? '';
    return header.names === undefined || header.names.some((wanted) => own.includes(wanted));
  };
  const hidden = new Set(header.hide);
  const show = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(show);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !hidden.has(key))
        .map(([key, field]) => [key, show(field)]),
    );
  };
  return Object.fromEntries(parts.map((part) => [part, (resources[part] as readonly object[]).filter(keep).map(show)]));
}

describe('translate', () => {
  for (const file of globSync('*.in.yaml', { cwd: folder }).sort()) {
    const name = basename(file, '.in.yaml');
    it(`builds what ${name}.out.yaml says, and every part of it can be encoded`, () => {
      const built = build(read(file));
      const out = stringify(selected(built), { lineWidth: 0, aliasDuplicateObjects: false });
      if (update) writeFileSync(join(folder, `${name}.out.yaml`), out);
      expect(out).toBe(read(`${name}.out.yaml`));
      const { listeners, routes, clusters, endpoints, extensions, names } = built.resources;
      const all: [keyof ResourceByType, readonly object[]][] = [
        [typeUrls.listener, listeners],
        [typeUrls.route, routes],
        [typeUrls.cluster, clusters],
        [typeUrls.endpoint, endpoints],
        [typeUrls.extension, extensions],
        [typeUrls.nameTable, names],
      ];
      for (const [typeUrl, resources] of all) {
        for (const resource of resources) {
          expect(encodeResource(typeUrl, resource as ResourceByType[typeof typeUrl]).bytes.length).toBeGreaterThan(0);
        }
      }
    });
  }
});
