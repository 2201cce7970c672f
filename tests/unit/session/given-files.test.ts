import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseManifests } from '#istio';
import { listLabs, loadLab } from '#labs';
import { givenFiles } from '../../../server/api/session/given-files.ts';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

const rule = (host: string, simple: string): string => `apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: ${host} }
spec: { host: ${host}, trafficPolicy: { loadBalancer: { simple: ${simple} } } }
`;

const given = (start: string, ...topology: string[]) => {
  const files = topology.map((text, i) => ({ file: `${i}.yaml`, text }));
  const { stored, blank } = givenFiles({ start: [{ file: 'mine.yaml', text: start }], topology: files });
  return { stored: stored.map(({ file }) => file), blank: blank.map(({ file }) => file) };
};

describe('a file of the start', () => {
  it('is in force when the topology says its objects, in whatever file, order and layout', () => {
    const [cart, stock] = [rule('cart', 'RANDOM'), rule('stock', 'RANDOM')];
    expect(given(`# Write here.\n${stock}---\n${cart}`, `${cart}---\n${stock}`)).toEqual({
      stored: ['mine.yaml'],
      blank: [],
    });
    expect(given(cart, cart.replace('name: cart', 'name: cart, namespace: default')).stored).toEqual(['mine.yaml']);
  });

  it('is not in force when one of its objects is another, or is missing', () => {
    const [cart, stock] = [rule('cart', 'RANDOM'), rule('stock', 'RANDOM')];
    expect(given(`${cart}---\n${stock}`, cart).stored).toEqual([]);
    expect(given(cart, rule('cart', 'ROUND_ROBIN')).stored).toEqual([]);
    expect(given(cart, cart, rule('cart', 'ROUND_ROBIN')).stored).toEqual([]);
  });

  it('needs no apply when it has comments only, and is judged by nobody when it cannot be read', () => {
    expect(given('# Write your rule here.\n')).toEqual({ stored: [], blank: ['mine.yaml'] });
    expect(given('kind: [')).toEqual({ stored: [], blank: [] });
  });

  it.each(listLabs(root))('hides no object of the topology of %s behind its name', (id) => {
    const { start, topology } = loadLab(root, id);
    const names = (text: string): string[] =>
      parseManifests([{ file: 'a.yaml', text }]).documents.map(
        ({ object }) => `${object.kind}/${object.metadata.name}`,
      );
    for (const { file, text } of start) {
      const hidden = topology.find((one) => one.file === file);
      expect(names(text), file).toEqual(expect.arrayContaining(hidden ? names(hidden.text) : []));
    }
  });
});
