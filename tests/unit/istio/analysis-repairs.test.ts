import { describe, expect, it } from 'vitest';
import type { Diagnostic } from '#domain';
import { analyze } from '#istio';
import { destinationRule, parse, virtualService } from './manifests.ts';

const service = (name: string, namespace = 'default', ports = '[{name: http, port: 9080}]'): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec: {selector: {app: ${name}}, ports: ${ports}}\n`;
const pod = (app: string, version: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: {name: ${app}-${version}, namespace: default, labels: {app: ${app}, version: ${version}}}\n` +
  'spec: {containers: [{name: istio-proxy, image: proxyv2}]}\n';
const to = (destination: string): string =>
  virtualService(`hosts: [reviews]\nhttp:\n- route:\n  - destination: {${destination}}`);
const subsets = destinationRule('subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]');
const base = [service('reviews'), pod('reviews', 'v1'), pod('reviews', 'v2'), subsets];

/** The text with the repair of this code in it. */
function repaired(code: string, text: string, ...others: string[]): string | undefined {
  const documents = parse([text, ...others].join('---\n'));
  const found = analyze([], documents).find((each) => each.code === code && each.fix);
  const { range, text: replacement } = found?.fix ?? {};
  if (!range || replacement === undefined) return undefined;
  const lines = text.split('\n');
  const line = lines[range.line - 1] ?? '';
  expect(range.endLine).toBe(range.line);
  lines[range.line - 1] = line.slice(0, range.column - 1) + replacement + line.slice(range.endColumn - 1);
  return lines.join('\n');
}

const codesOf = (found: readonly Diagnostic[]): string[] => found.map(({ code }) => code);

describe('a certain repair', () => {
  it.each([
    ['a misspelt host', 'IST0101', to('host: reviws'), base],
    ['a host of another namespace', 'IST0101', to('host: ratings'), [...base, service('ratings', 'shop')]],
    ['a port that the only port can stand for', 'IST0101', to('host: reviews, port: {number: 9090}'), base],
    ['a misspelt subset', 'IST0101', to('host: reviews, subset: V1'), base],
    [
      'a misspelt host of a DestinationRule',
      'IST0174',
      subsets.replace('host: reviews', 'host: reviewz'),
      base.slice(0, 3),
    ],
  ])('replaces %s, and nothing is found any more', (_, code, text, others) => {
    const after = repaired(code, text, ...others);
    expect(after).toBeDefined();
    expect(codesOf(analyze([], parse([after ?? '', ...others].join('---\n'))))).toEqual([]);
  });

  it('is not offered where two Services may be meant', () => {
    const found = analyze(
      [],
      parse([to('host: ratings'), ...base, service('ratings', 'shop'), service('ratings', 'prod')].join('---\n')),
    );
    expect(found.find(({ code }) => code === 'IST0101')).toMatchObject({ hint: expect.stringContaining('ratings') });
    expect(found.every(({ fix }) => fix === undefined)).toBe(true);
  });

  it('is not offered where two names are as near', () => {
    const found = analyze([], parse([to('host: reviews, subset: v3'), ...base].join('---\n')));
    expect(found).toMatchObject([{ code: 'IST0101', hint: expect.stringContaining('Did you mean v1?') }]);
    expect(found[0]?.fix).toBeUndefined();
  });

  it('is not offered for objects that stand in no file', () => {
    const stored = parse([to('host: reviws'), ...base].join('---\n')).map(({ object }) => ({
      ...object,
      metadata: { namespace: 'default', ...object.metadata },
    }));
    expect(analyze(stored)).toMatchObject([{ code: 'IST0101', hint: 'Did you mean reviews?' }]);
    expect(analyze(stored)[0]?.fix).toBeUndefined();
  });
});
