import { generateKeyPairSync } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { createClusterAuthority } from '#ca';
import type { KubeObject } from '#domain';
import { convertGatewayApi } from '../../../server/control-plane/gateway-api/derive.ts';
import { createInstanceLookup } from '../../../server/control-plane/gateway-api/gateway-instances.ts';
import { statusChanges } from '../../../server/control-plane/gateway-api/statuses.ts';
import { manualClock } from '../../support/manual-clock.ts';
import { objectsOf } from '../../unit/control-plane-gateway-api/objects-of.ts';

// A case is a pair of files; UPDATE_GOLDEN=1 writes the second one anew. `$CERT`, `$KEY`, `$OTHER_KEY` and `$ROOTS` stand for
// certificates that are made for the run.
const folder = import.meta.dirname;
const update = process.env['UPDATE_GOLDEN'] === '1';
const read = (name: string): string => readFileSync(join(folder, name), 'utf8');

const authority = createClusterAuthority({ clock: manualClock() });
const served = authority.issue(['shop.example.com']);
const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const base64 = (text: string): string => Buffer.from(text).toString('base64');

function load(text: string): KubeObject[] {
  const filled = text
    .replaceAll('$CERT', base64(served.certPem))
    .replaceAll('$KEY', base64(served.keyPem))
    .replaceAll('$OTHER_KEY', base64(other as string))
    .replaceAll('$ROOTS', authority.caPem.trim().replaceAll('\n', '\n    '));
  return parseAllDocuments(filled).flatMap((document) => (document.toJS() ?? []) as KubeObject);
}

/** Everything that is generated, each field with its place, and every status that is written; without times. */
function convert(text: string): object {
  const objects = objectsOf(load(text));
  const made = convertGatewayApi(objects);
  const generated = [...made.gateways, ...made.virtualServices, ...made.destinationRules].map((config) => ({
    kind: config.kind,
    name: `${config.namespace}/${config.name}`,
    annotations: config.annotations,
    spec: config.spec,
    places: Object.fromEntries(
      [...(config.sources ?? [])].map(([field, { kind, namespace, name, path }]) => [
        field === '' ? '(all)' : field,
        `${kind}/${namespace}/${name} ${path}`,
      ]),
    ),
  }));
  const written = statusChanges(made.findings, createInstanceLookup(objects.services, []), '2026-01-01T00:00:00Z');
  const statuses = written
    .filter(({ object }) => object.kind !== 'GatewayClass')
    .map(({ object, status }) => ({
      object: `${object.kind}/${object.metadata.namespace}/${object.metadata.name}`,
      status: JSON.parse(
        JSON.stringify(status, (key, value: unknown) => (key === 'lastTransitionTime' ? undefined : value)),
      ),
    }));
  return { generated, statuses };
}

describe('gateway api', () => {
  for (const file of globSync('*.in.yaml', { cwd: folder }).sort()) {
    const name = basename(file, '.in.yaml');
    it(`generates and reports what ${name}.out.yaml says`, () => {
      const out = stringify(convert(read(file)), { lineWidth: 0, aliasDuplicateObjects: false });
      if (update) writeFileSync(join(folder, `${name}.out.yaml`), out);
      expect(out).toBe(read(`${name}.out.yaml`));
    });
  }
});
