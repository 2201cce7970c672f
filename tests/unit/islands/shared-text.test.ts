import { expect, test } from 'vitest';
import { packText, unpackText } from '../../../src/islands/lab/shared-text.ts';

const files = [{ file: 'reviews.yaml', text: 'kind: VirtualService # ✓ ü\n'.repeat(50) }];

test('a link gives back the text that it was made of, in a form that needs no escaping', async () => {
  const hash = (await packText(files)) ?? '';
  expect(hash).toMatch(/^#text=[\w-]+$/);
  expect(hash.length).toBeLessThan(200);
  expect(await unpackText(hash)).toEqual(files);
});

test('text that no link can hold is not packed', async () => {
  let state = 1;
  const noise = Array.from({ length: 60_000 }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return (state % 36).toString(36);
  }).join('');
  expect(await packText([{ file: 'a.yaml', text: noise }])).toBeUndefined();
});

test('a link that was cut, made up, or unfolds without end carries nothing', async () => {
  const hash = (await packText(files)) ?? '';
  const bomb = (await packText([{ file: 'a.yaml', text: 'a'.repeat(1_000_000) }])) ?? '';
  const strange = (await packText([{ file: '../../etc/passwd', text: 'x' }])) ?? '';
  for (const bad of ['', '#step', hash.slice(0, 40), '#text=%%%', bomb, strange])
    expect(await unpackText(bad)).toBeUndefined();
});
