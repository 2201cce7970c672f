import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exercisesSchema } from '../../../src/course/exercises.ts';
import { slugOf } from '../../../src/course/terms.ts';
import { checkWords } from '../../../src/course/word-check.ts';
import { gradeGraph, gradeLabels } from '../../../src/islands/diagram/grade-graph.ts';
import { claims } from '../../../src/islands/writing/claims.ts';
import { judgeGap, piecesOf } from '../../../src/islands/writing/gaps.ts';
import { gradeText } from '../../../src/islands/writing/grade-text.ts';
import { borrowedShare } from '../../../src/islands/writing/sentences.ts';
import { loadTerms, root } from '../content/load.ts';

const list = (name: string) => parse(readFileSync(join(root, 'lessons', 'exercises', `${name}.yaml`), 'utf8'));
const { graphs, explains, dialogues } = exercisesSchema.parse({
  graphs: list('graphs'),
  explains: list('explains'),
  dialogues: list('dialogues'),
});
const slugs = new Set(loadTerms().map(({ data }) => slugOf(data.term)));

describe.each(graphs)('the drawing $id', (graph) => {
  const parts = graph.parts.filter(({ wrong }) => wrong === undefined).map(({ id }) => id);
  const model = { parts, edges: graph.edges };

  it('names parts and kinds that it has, and puts no two parts in one place', () => {
    const ids = new Set(graph.parts.map(({ id }) => id));
    const kinds = new Set(graph.kinds.map(({ id }) => id));
    const names = new Set([...ids, ...graph.parts.map(({ role }) => role)]);
    for (const edge of graph.edges)
      expect([ids.has(edge.from), ids.has(edge.to), kinds.has(edge.kind)]).toEqual([true, true, true]);
    for (const rule of graph.rules) {
      expect([...(rule.from ?? []), ...(rule.to ?? [])].filter((name) => !names.has(name))).toEqual([]);
      expect((rule.kind ?? []).filter((kind) => !kinds.has(kind))).toEqual([]);
    }
    expect(new Set(graph.parts.map(({ at }) => at.join())).size).toBe(graph.parts.length);
  });

  it('gives the model every point, in whatever order it was drawn, and twice as well', () => {
    const full = { score: model.parts.length + graph.edges.length, passed: true, wrong: [], missing: [] };
    expect(gradeGraph(graph, model)).toMatchObject(full);
    const twice = { parts: parts.toReversed(), edges: [...graph.edges.toReversed(), ...graph.edges] };
    expect(gradeGraph(graph, twice)).toMatchObject(full);
  });

  it('explains every edge that does not belong, by a reason of its own', () => {
    const right = new Set(graph.edges.map(({ from, to, kind }) => `${from} ${to} ${kind}`));
    for (const { id: from } of graph.parts)
      for (const { id: to } of graph.parts)
        for (const { id: kind } of graph.kinds) {
          if (from === to || right.has(`${from} ${to} ${kind}`)) continue;
          const { wrong, passed, score, of } = gradeGraph(graph, {
            parts,
            edges: [...graph.edges, { from, to, kind }],
          });
          expect(wrong).toHaveLength(1);
          expect(wrong[0]?.why, `${from} → ${to} by ${kind}`).toMatch(/^(istiod|[A-Z]).{15,}\.$/);
          expect([passed, score]).toEqual([false, of - 1]);
        }
  });

  it('never gives more than the model has, nor less than nothing', () => {
    const anyEdge = fc.record({
      from: fc.constantFrom(...graph.parts.map(({ id }) => id)),
      to: fc.constantFrom(...graph.parts.map(({ id }) => id)),
      kind: fc.constantFrom(...graph.kinds.map(({ id }) => id)),
    });
    const anyParts = fc.subarray(graph.parts.map(({ id }) => id));
    fc.assert(
      fc.property(anyParts, fc.array(anyEdge, { maxLength: 20 }), (some, edges) => {
        const grade = gradeGraph(graph, { parts: some, edges });
        expect(grade.score).toBeGreaterThanOrEqual(0);
        expect(grade.score).toBeLessThanOrEqual(grade.of);
        expect(grade.right.length + grade.missing.length).toBe(graph.edges.length);
      }),
    );
  });

  it('takes names only where they belong', () => {
    const names = Object.fromEntries(parts.map((id) => [id, id]));
    expect(gradeLabels(graph, names)).toMatchObject({ passed: true, score: parts.length });
    const [first = '', second = ''] = parts;
    expect(gradeLabels(graph, { ...names, [first]: second, [second]: first }).wrong).toEqual([first, second]);
  });
});

describe.each(explains)('the text $id', (exercise) => {
  const [weak, solid, strong] = exercise.models;

  it('asks for terms that the glossary has', () => {
    expect(exercise.terms.filter((term) => !slugs.has(slugOf(term)))).toEqual([]);
  });

  it('passes its solid and its strong model, and not its weak one', () => {
    for (const model of [solid, strong]) {
      const grade = gradeText(exercise, model!.text);
      expect(grade, JSON.stringify(grade, null, 1)).toMatchObject({ passed: true });
    }
    expect(gradeText(exercise, weak!.text).passed).toBe(false);
    expect(gradeText(exercise, strong!.text).score).toBeGreaterThanOrEqual(13);
  });

  it('holds each false claim against a text, in each of its forms', () => {
    for (const { claim } of exercise.forbidden)
      for (const way of claim.split('|')) {
        const grade = gradeText(exercise, `${strong!.text} ${way.replace('…', 'really')}.`);
        expect(grade.rules[0], way).toMatchObject({ id: 'correct', mark: 1 });
      }
  });

  it('gives nothing for a list of its terms', () => {
    const grade = gradeText(exercise, `${exercise.terms.join(', ')}. ${exercise.terms.join(' and ')} are important.`);
    expect(grade.rules.find(({ id }) => id === 'vocabulary')?.mark).toBe(0);
    expect(grade.passed).toBe(false);
  });

  it('gives nothing for one good sentence, written ten times', () => {
    const sentence = strong!.text.split(/(?<=\.)\s/)[1] ?? '';
    expect(gradeText(exercise, `${sentence} `.repeat(10)).passed).toBe(false);
  });

  it('knows a model again, with words changed here and there, and leaves own texts alone', () => {
    expect(borrowedShare(exercise, strong!.text.toUpperCase())).toBe(1);
    const changed = strong!.text.replaceAll('because', 'since').replaceAll(' I ', ' we ').replace(/^\S+/, 'Well');
    expect(borrowedShare(exercise, changed)).toBeGreaterThan(0.5);
    expect(borrowedShare(exercise, 'I say it my own way, because I have seen it in the lab.')).toBe(0);
    const [one = ''] = strong!.text.split(/(?<=\.)\s/);
    const own =
      'The rest of it is mine, and I wrote it in the train, long before I read any other text about it at all.';
    expect(borrowedShare(exercise, `${one} ${own}`)).toBeLessThanOrEqual(0.5);
  });

  it('fails a text that is too long', () => {
    expect(gradeText(exercise, `${strong!.text} ${solid!.text}`).passed).toBe(false);
  });
});

describe('false claims', () => {
  it('are found with words between, and not where they are denied', () => {
    expect(claims('mTLS … authorizes', 'In short, mTLS always authorizes the caller.')).toBe(true);
    expect(claims('mTLS … authorizes', 'mTLS never authorizes a caller.')).toBe(false);
    expect(claims('mTLS … authorizes', 'mTLS proves it. The policy authorizes.')).toBe(false);
    expect(claims('requests pass … through istiod', 'No requests pass through istiod.')).toBe(false);
    expect(claims('mTLS … authorizes', 'Nobody should say that mTLS authorizes a caller.')).toBe(false);
    expect(claims('mTLS … authorizes', 'It is false that mTLS authorizes anybody.')).toBe(false);
    expect(claims('mTLS … authorizes', 'It is not the network that decides; mTLS authorizes the caller.')).toBe(true);
    expect(claims('mTLS … authorizes', 'Some deny that mTLS authorizes, but mTLS authorizes every call.')).toBe(true);
  });
});

describe('the grader', () => {
  const cases = [...parse(readFileSync(join(import.meta.dirname, 'explains.yaml'), 'utf8'))] as {
    name: string;
    exercise: string;
    text: string;
    passes: boolean;
    zero?: string[];
    correct?: number;
  }[];

  it.each(cases)('$name', ({ exercise: id, text, passes, zero = [], correct }) => {
    const exercise = explains.find((each) => each.id === id)!;
    const grade = gradeText(exercise, text);
    const passed = grade.passed && borrowedShare(exercise, text) <= 0.5;
    expect(passed, JSON.stringify(grade, null, 1)).toBe(passes);
    for (const rule of zero) expect(grade.rules.find((each) => each.id === rule)?.mark, rule).toBe(0);
    if (correct !== undefined) expect(grade.rules[0]?.mark).toBe(correct);
  });
});

describe.each(dialogues)('the dialogue $id', ({ lines }) => {
  const gaps = lines
    .flatMap(({ says }, index) => piecesOf(says, index))
    .flatMap((piece) => ('gap' in piece ? [piece] : []));

  it('has eight gaps or more, each with its own id, and takes every word that is right', () => {
    expect(gaps.length).toBeGreaterThanOrEqual(8);
    expect(new Set(gaps.map(({ id }) => id)).size).toBe(gaps.length);
    for (const { gap } of gaps) for (const word of gap) expect(judgeGap(gap, word)).toBe('right');
  });

  it('takes no other word of the same dialogue', () => {
    for (const { gap } of gaps)
      for (const other of gaps) {
        const words = other.gap.filter((word) => !gap.includes(word));
        for (const word of words)
          if (!gap.some((own) => own.toLowerCase() === word.toLowerCase()))
            expect(judgeGap(gap, word)).not.toBe('right');
      }
  });

  it('counts its words', () =>
    expect(checkWords(lines.map(({ says }) => says).join(' '), []).words).toBeGreaterThan(80));
});
