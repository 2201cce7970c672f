import { describe, expect, it } from 'vitest';
import { coverageOf, holesOf, matrixText } from '../../../src/course/coverage.ts';
import { parts } from '../../../src/course/schemas.ts';
import { slugOf } from '../../../src/course/terms.ts';
import { checkWords } from '../../../src/course/word-check.ts';
import { loadCourse, loadDays, loadLab, loadTerms } from './load.ts';

const terms = loadTerms().map(({ data }) => data);
const slugs = new Set(terms.map(({ term }) => slugOf(term)));

describe.each(loadDays())('day $lesson.day', ({ lesson, body, quiz, interview, write }) => {
  it('covers each objective by text, cards, a machine check and an interview question', () => {
    const labChecks = lesson.labs.flatMap(({ id }) => loadLab(id)?.checks ?? []);
    const rows = coverageOf({ lesson, questions: quiz.questions, interview: interview.questions, terms, labChecks });
    console.log(matrixText(rows));
    expect(holesOf(rows)).toEqual([]);
  });

  it('names only objectives that the day has', () => {
    const known = lesson.objectives.map(({ id }) => id);
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

  it('adds up to 90, 45 and 165 minutes, with the labs inside practice', () => {
    const sum = (form: 'full' | 'lite' | 'long') =>
      parts.reduce((total, part) => total + lesson.forms[form].minutes[part], 0);
    expect([sum('full'), sum('lite'), sum('long')]).toEqual([90, 45, 165]);
    expect(lesson.labs.reduce((total, { minutes }) => total + minutes, 0)).toBe(lesson.forms.full.minutes.practice);
  });

  it('keeps its better model answers within the words it asks for, with five key terms', () => {
    const { min, max, models } = write.words;
    for (const model of models.slice(1)) {
      const { words, used } = checkWords(model.text, lesson.terms);
      expect(words, model.name).toBeGreaterThanOrEqual(min);
      expect(words, model.name).toBeLessThanOrEqual(max);
      expect(used.length, model.name).toBeGreaterThanOrEqual(5);
    }
  });
});

describe('the course', () => {
  it('has 28 days in four weeks, in order', () => {
    const days = loadCourse().weeks.flatMap((week) => week.days.map(({ day }) => day));
    expect(days).toEqual(Array.from({ length: 28 }, (_, index) => index + 1));
  });

  it('gives a written day the title it has in the list', () => {
    const titles = new Map(
      loadCourse().weeks.flatMap((week) => week.days.map(({ day, title }) => [day, title] as const)),
    );
    for (const { lesson } of loadDays()) expect(lesson.title).toBe(titles.get(lesson.day));
  });
});
