import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { coverageOf, holesOf, matrixText } from '../../../src/course/coverage.ts';
import { daysOf, formsOf } from '../../../src/course/days.ts';
import { parts } from '../../../src/course/schemas.ts';
import { slugOf } from '../../../src/course/terms.ts';
import { checkWords } from '../../../src/course/word-check.ts';
import { loadCourse, loadDays, loadLab, loadTerms, root } from './load.ts';

const terms = loadTerms().map(({ data }) => data);
const slugs = new Set(terms.map(({ term }) => slugOf(term)));

describe.each(loadDays())('day $lesson.day', ({ folder, outline, lesson, body, quiz, interview, write }) => {
  it('covers each objective by text, cards, a machine check and an interview question', () => {
    const labChecks = [...outline.labs, ...outline.moreLabs].flatMap(({ id }) => loadLab(id)?.checks ?? []);
    const rows = coverageOf({
      outline,
      lesson,
      questions: quiz.questions,
      interview: interview.questions,
      terms,
      labChecks,
    });
    console.log(matrixText(rows));
    expect(holesOf(rows)).toEqual([]);
  });

  it('names only objectives that the day has', () => {
    const known = outline.objectives.map(({ id }) => id);
    const named = [...lesson.sections, ...quiz.questions, ...interview.questions].flatMap(
      ({ objectives }) => objectives,
    );
    expect(named.filter((id) => !known.includes(id))).toEqual([]);
  });

  it('has a heading in the text for each section it declares, and no other', () => {
    const headings = [...body.matchAll(/^## (.+)$/gm)].map(([, heading = '']) => slugOf(heading));
    expect(headings).toEqual(lesson.sections.map(({ id }) => id));
  });

  it('asks each reading question in the text, once', () => {
    const asked = [...body.matchAll(/<Ask id="([^"]+)"/g)].map(([, id]) => id);
    const wanted = quiz.questions.filter(({ part }) => part === 'read').map(({ id }) => id);
    expect(asked).toEqual(wanted);
  });

  it('has a figure in its text that the reader can turn', () => {
    const own = [...body.matchAll(/^import (\w+) from '\.\/(\w+)\.astro';$/gm)].filter(([, name]) =>
      body.includes(`<${name} />`),
    );
    const turned = own.filter(([, , file]) =>
      /figures\/(?:Knob|Pick)\.astro|type="(?:range|radio)"/.test(
        readFileSync(join(root, folder, `${file}.astro`), 'utf8'),
      ),
    );
    expect(turned.length).toBeGreaterThan(0);
  });

  it('has a page for each key term and each term in the text', () => {
    const inText = [...body.matchAll(/<T(?: to="([^"]+)")?>([^<]+)<\/T>/g)].map(([, to, text]) => to ?? text ?? '');
    expect([...lesson.terms, ...inText].filter((term) => !slugs.has(slugOf(term)))).toEqual([]);
  });

  it('uses every key term in its text', () => {
    const inText = [...body.matchAll(/<T(?: to="([^"]+)")?>([^<]+)<\/T>/g)].map(([, to, text]) =>
      slugOf(to ?? text ?? ''),
    );
    expect(lesson.terms.filter((term) => !inText.includes(slugOf(term)))).toEqual([]);
  });

  it('says what to do in each of its labs', () => {
    expect(Object.keys(lesson.labs)).toEqual([...outline.labs, ...outline.moreLabs].map(({ id }) => id));
  });

  it('adds up to 90, 45, 25 and 165 minutes', () => {
    const sums = Object.fromEntries(
      formsOf(outline, lesson).map(({ id, minutes }) => [id, parts.reduce((total, part) => total + minutes[part], 0)]),
    );
    expect(sums).toEqual({ full: 90, lite: 45, short: 25, ...(lesson.day === 15 ? { long: 165 } : {}) });
  });

  it('gives a reason for every option of every question', () => {
    const silent = quiz.questions.flatMap(({ id, options }) =>
      options.filter(({ why }) => why.length < 20).map(({ text }) => `${id}: ${text}`),
    );
    expect(silent).toEqual([]);
  });

  it('keeps its better model answers within the words it asks for, with five key terms, or all of fewer', () => {
    if (!write.words) return;
    const { min, max, models } = write.words;
    for (const model of models.slice(1)) {
      const { words, used } = checkWords(model.text, lesson.terms);
      expect(words, model.name).toBeGreaterThanOrEqual(min);
      expect(words, model.name).toBeLessThanOrEqual(max);
      expect(used.length, model.name).toBeGreaterThanOrEqual(Math.min(5, lesson.terms.length));
    }
  });
});

describe('the course', () => {
  const days = daysOf(loadCourse());

  it('has 28 days in four weeks, in order', () => {
    expect(days.map(({ day }) => day)).toEqual(Array.from({ length: 28 }, (_, index) => index + 1));
    expect(loadCourse().weeks.map((week) => week.days.length)).toEqual([7, 7, 7, 7]);
  });

  it.each(days)('day $day has 90 minutes, with its labs inside practice', ({ minutes, labs }) => {
    expect(parts.reduce((total, part) => total + minutes[part], 0)).toBe(90);
    expect(labs.reduce((total, lab) => total + lab.minutes, 0)).toBe(minutes.practice);
  });

  it.each(days)('day $day numbers its objectives and has words for its cards', ({ day, objectives }) => {
    expect(objectives.map(({ id }) => id)).toEqual(objectives.map((_, index) => `D${day}.${index + 1}`));
    expect(terms.filter((term) => term.day === day).length).toBeGreaterThanOrEqual(4);
  });

  it('agrees with the labs that exist about their day and minutes', () => {
    const named = days.flatMap(({ day, labs, moreLabs }) => [...labs, ...moreLabs].map((lab) => ({ ...lab, day })));
    for (const { id, day, minutes } of named) {
      const lab = loadLab(id);
      if (lab) expect({ id, day: lab.day, minutes: lab.minutes }).toEqual({ id, day, minutes });
    }
  });
});
