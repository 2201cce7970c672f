import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import {
  buildResources,
  createObjectTables,
  createSnapshotDeriver,
  DEFAULT_MESH_CONFIG,
  type MeshConfig,
} from '#control-plane';
import type { KubeObject } from '#domain';
import { encodeResource, type HttpConnectionManager, type Listener, typeUrls } from '#xds';
import { type CaseHeader, nodeOf, parseDocuments } from '../translate/mesh.ts';

// A case is a pair of files: policies for one workload, and the filters that enforce them. UPDATE_GOLDEN=1 writes the second one anew.
const folder = import.meta.dirname;
const update = process.env['UPDATE_GOLDEN'] === '1';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

interface Header {
  /** The sidecar of `web` in namespace `foo` when absent. */
  readonly proxy?: CaseHeader['proxy'];
  readonly mesh?: Partial<MeshConfig>;
}

const WEB: CaseHeader['proxy'] = { type: 'sidecar', namespace: 'foo', labels: { app: 'web' }, ip: '10.1.0.1' };
const ENFORCING = /rbac|jwt_authn|ext_authz/;

function build(text: string): Record<string, unknown> {
  const [first, ...objects] = parseDocuments(text);
  const { proxy = WEB, mesh = {} } = first as Header;
  const tables = createObjectTables();
  for (const [i, object] of ([...parseDocuments(read('web.mesh.yaml')), ...objects] as KubeObject[]).entries()) {
    const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, i)).toISOString();
    tables.apply('ADDED', { ...object, metadata: { creationTimestamp, namespace: 'default', ...object.metadata } });
  }
  const snapshot = createSnapshotDeriver({ ...DEFAULT_MESH_CONFIG, ...mesh })(tables);
  const { listeners } = buildResources(snapshot, nodeOf(proxy));
  const chains = listeners
    .filter(({ name }) => proxy.type === 'router' || name === 'virtualInbound')
    .map((listener) => encodeResource(typeUrls.listener, listener).json as Listener)
    .flatMap(({ filter_chains = [] }) => filter_chains)
    .map(({ filters }) => filters);
  const http = chains.flatMap((filters) => {
    const last = filters.at(-1)?.typed_config as HttpConnectionManager | undefined;
    return last?.http_filters === undefined ? [] : [last.http_filters.filter(({ name }) => ENFORCING.test(name))];
  });
  const network = chains
    .filter((filters) => filters.at(-1)?.name === 'envoy.filters.network.tcp_proxy')
    .map((filters) => filters.filter(({ name }) => ENFORCING.test(name)));
  return { http: http.at(-1) ?? [], network: network.at(-1) ?? [] };
}

describe('policies', () => {
  for (const file of globSync('*.in.yaml', { cwd: folder }).sort()) {
    const name = basename(file, '.in.yaml');
    it(`become the filters of ${name}.out.yaml`, () => {
      const out = stringify(build(read(file)), { lineWidth: 0, aliasDuplicateObjects: false });
      if (update) writeFileSync(join(folder, `${name}.out.yaml`), out);
      expect(out).toBe(read(`${name}.out.yaml`));
    });
  }
});
