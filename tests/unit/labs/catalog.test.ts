import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { listLabs, loadLab } from '#labs';

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));

describe('the labs of the project', () => {
  it('are there', () => {
    expect(listLabs(root)).toEqual(
      expect.arrayContaining(['bookinfo', 'canary', 'delay-finds-missing-fallback', 'meet-the-mesh']),
    );
  });

  it.each(listLabs(root))('%s loads with its files', (id) => {
    const loaded = loadLab(root, id);
    expect(loaded.spec.id).toBe(id);
    expect(loaded.topology.length).toBeGreaterThan(0);
    // The game of blame has nothing to write.
    if (id !== 'blame-game') expect(loaded.start.length).toBeGreaterThan(0);
    for (const wrong of loaded.spec.wrong)
      expect(
        (loaded.wrong.get(wrong.id) ?? []).length + (loaded.spec.wrongSteps[wrong.id] ?? []).length,
      ).toBeGreaterThan(0);
    for (const step of loaded.spec.solution)
      if ('apply' in step) expect(loaded.folder(step.apply).length).toBeGreaterThan(0);
  });
});

const made: string[] = [];
afterEach(() => {
  for (const folder of made.splice(0)) rmSync(folder, { recursive: true });
});

/** A root with one lab of this lab.yaml. */
function rootWith(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'labs-'));
  made.push(folder);
  mkdirSync(join(folder, 'labs', 'x', 'samples', 'deep'), { recursive: true });
  mkdirSync(join(folder, 'labs', 'empty'));
  writeFileSync(join(folder, 'labs', 'x', 'lab.yaml'), yaml);
  writeFileSync(join(folder, 'labs', 'x', 'samples', 'deep', 'a.yaml'), 'a: 1');
  return folder;
}

const HEAD = 'id: x\ntitle: X\nday: 1\nminutes: 5\ngoal: g\nproves: p\n';
const CHECK = (id: string, more: string) =>
  `  - { id: ${id}, title: t, objective: D1.1, wanted: w, look: l, hints: [h], ${more} }\n`;
const BATCH = 'probe: { batch: { traffic: readers, requests: 1, expect: [{ status: 200 }] } }';

describe('a lab folder', () => {
  it('is a lab when it has a lab.yaml', () => {
    const folder = rootWith(HEAD);
    expect(listLabs(folder)).toEqual(['x']);
    expect(loadLab(folder, 'x').samples).toEqual(new Map([['samples/deep/a.yaml', 'a: 1']]));
    expect(loadLab(folder, 'x').spec.namespace).toBe('default');
  });

  it.each([
    ['a field that is missing', HEAD.replace('goal: g\n', ''), /lab\.yaml: goal: /],
    ['a field of another type', HEAD.replace('day: 1', 'day: monday'), /lab\.yaml: day: /],
    ['a field that nobody knows', `${HEAD}gaol: x\n`, /gaol/],
    ['YAML that cannot be read', `${HEAD}checks: [`, /lab\.yaml: .* at line 7/],
    ['an empty file', '', /lab\.yaml: the whole file: /],
    ['the id of another folder', HEAD.replace('id: x', 'id: y'), /lab\.yaml: id: is y, the folder is x/],
    ['a probe that nobody knows', `${HEAD}checks:\n${CHECK('a', 'probe: { frog: 1 }')}`, /checks\.0\.probe.*frog/],
    [
      'a batch of unknown traffic',
      `${HEAD}checks:\n${CHECK('a', BATCH)}`,
      /checks\.0\.probe: there is no traffic readers/,
    ],
    [
      'a check that needs a later one',
      `${HEAD}checks:\n${CHECK('a', 'needs: [b], probe: {}')}${CHECK('b', 'probe: {}')}`,
      /checks\.0\.needs: no check before it is called b/,
    ],
    [
      'two checks of one id',
      `${HEAD}checks:\n${CHECK('a', 'probe: {}')}${CHECK('a', 'probe: {}')}`,
      /checks\.1\.id: a is there twice/,
    ],
    [
      'a solution step of an unknown check',
      `${HEAD}solution: [{ check: nope }]\n`,
      /solution\.0: there is no check nope/,
    ],
    [
      'steps of an unknown wrong answer',
      `${HEAD}wrongSteps: { nope: [] }\n`,
      /wrongSteps\.nope: there is no wrong answer nope/,
    ],
    [
      'answers that nothing asks for',
      `${HEAD}checks:\n${CHECK('a', 'probe: { answers: { p: q } }')}`,
      /checks\.0\.question: /,
    ],
    [
      'an answer that is no choice',
      `${HEAD}checks:\n${CHECK('a', 'question: { prompt: p, items: [i], choices: [c] }, probe: { answers: { i: d } }')}`,
      /checks\.0\.probe\.answers: d is not among the choices/,
    ],
  ])('is refused with the name of the field for %s', (_what, yaml, message) => {
    expect(() => loadLab(rootWith(yaml), 'x')).toThrow(message);
  });

  it.each(['nope', 'empty', '../x', 'X', ''])('is not found as %j', (id) => {
    expect(() => loadLab(rootWith(HEAD), id)).toThrow(`There is no lab "${id}".`);
  });
});
