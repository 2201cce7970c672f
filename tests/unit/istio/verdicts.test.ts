import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gatewayKinds, istioKinds, meshConfigProblems, parseManifests, toDiagnostics, validateDocument } from '#istio';
import { coreKinds } from '#kube-api';
import { checkMessage } from '#xds';

/**
 * Tables of small documents and of what a cluster with Istio makes of them. A case starts with `--- <verdict>: <title> | <part of the
 * message>`; its lines are a spec, or metadata and spec, or a whole document, or the mesh's configuration. Verdicts:
 *   accepted   neither error nor warning
 *   warned     accepted by Istio's webhook with a warning
 *   rejected   refused by Istio's webhook
 *   schema     refused by the kind's definition, where the webhook alone would let it pass
 */
interface Case {
  readonly verdict: string;
  readonly title: string;
  readonly message: string;
  readonly manifest: string;
}

const folder = join(import.meta.dirname, 'verdicts');
const kinds = [...coreKinds, ...istioKinds, ...gatewayKinds];

const MESH_HEAD =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata:\n  mesh: |\n';

function manifestOf(head: string, body: string): string {
  if (head === 'kind: MeshConfig') return MESH_HEAD + body.replace(/^/gm, '    ');
  if (/^apiVersion:/m.test(body)) return body;
  if (/^(?:metadata|spec):/m.test(body))
    return `${head}\n${/^metadata:/m.test(body) ? '' : 'metadata: {name: case}\n'}${body}`;
  return `${head}\nmetadata: {name: case}\nspec:\n${body.replace(/^/gm, '  ')}`;
}

function casesOf(file: string): Case[] {
  const [head = '', ...parts] = readFileSync(join(folder, file), 'utf8').split(/^--- /m);
  return parts.map((part) => {
    const [first = '', ...lines] = part.trimEnd().split('\n');
    const [, verdict = '', title = '', message = ''] = /^(\w+): (.*?)(?: \| (.*))?$/.exec(first) ?? [];
    return { verdict, title, message, manifest: manifestOf(head.trim(), lines.join('\n')) };
  });
}

function findings(manifest: string): { readonly errors: string[]; readonly warnings: string[] } {
  const { documents, diagnostics } = parseManifests([{ file: 'case.yaml', text: manifest }]);
  const found = [
    ...diagnostics,
    ...documents.flatMap((document) => [
      ...validateDocument(document, kinds, { checkMessage }),
      ...toDiagnostics(meshConfigProblems(document.object), document),
    ]),
  ];
  const words = (wanted: (severity: string, code: string) => boolean): string[] =>
    found.filter(({ severity, code }) => wanted(severity, code)).map(({ code, message }) => `${code} ${message}`);
  return {
    errors: words((severity) => severity === 'error'),
    // Advice of our own is no word of Istio's.
    warnings: words((severity, code) => severity !== 'error' && code.startsWith('IST')),
  };
}

describe.each(readdirSync(folder).sort())('%s', (file) => {
  it.each(casesOf(file))('$verdict: $title', ({ verdict, message, manifest }) => {
    const { errors, warnings } = findings(manifest);
    const said = verdict === 'warned' ? warnings : errors;
    if (verdict === 'accepted') expect([...errors, ...warnings]).toEqual([]);
    else expect(said.join('\n')).toContain(message);
    if (verdict === 'warned') expect(errors).toEqual([]);
    if (verdict === 'schema') expect(errors.filter((each) => !each.startsWith('MW01'))).toEqual([]);
    if (verdict !== 'accepted') expect(said).not.toEqual([]);
  });
});
