import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { daysOf } from '../../../src/course/days.ts';
import { type BankTopic, bankOf, bankSchema, formats, rowOf } from '../../../src/course/drills.ts';
import { loadCourse, root } from './load.ts';

/** The plan of the bank: questions of each format, by level 1/2/3. */
const plan: Readonly<Record<string, string>> = {
  failure: '2/2/0 1/2/0 1/2/1 0/1/1 1/1/0',
  'mesh-or-library': '2/1/0 2/3/1 1/2/1 0/1/2 1/2/2',
  planes: '3/1/0 2/1/0 1/2/1 0/1/1 0/1/0',
  objects: '2/2/0 1/2/0 1/2/2 0/0/1 0/1/0',
  routing: '2/1/0 2/2/0 1/3/1 1/2/1 1/1/1',
  retries: '2/1/0 1/2/1 1/2/2 0/1/1 0/1/1',
  limits: '2/2/0 1/3/1 1/2/2 0/1/1 0/1/0',
  faults: '2/1/0 1/1/0 2/3/2 0/1/0 0/1/0',
  identity: '3/1/0 2/2/0 1/2/2 0/1/1 0/1/1',
  authorization: '2/1/0 2/2/0 1/2/1 0/1/1 0/1/1',
  gateways: '2/1/0 2/1/1 1/2/1 0/1/1 0/1/0',
  observability: '2/1/0 1/2/0 1/2/1 0/1/1 0/1/0',
  ambient: '2/1/0 1/2/1 0/1/1 0/1/1 0/1/1',
  scale: '1/2/0 1/1/1 0/2/2 0/1/2 0/1/1',
};

const folder = join(root, 'lessons', 'bank');
const topics: BankTopic[] = readdirSync(folder)
  .filter((file) => file.endsWith('.yaml'))
  .map((file) => bankSchema.parse(parse(readFileSync(join(folder, file), 'utf8'))));
const { drills } = bankOf(topics);
const days = daysOf(loadCourse());
const objectives = new Set(days.flatMap((day) => day.objectives.map(({ id }) => id)));
const labs = new Set(days.flatMap((day) => [...day.labs, ...day.moreLabs].map(({ id }) => id)));

/** Words a minute of a calm speaker. */
const wordsPerSecond = 2.6;
const seconds = { define: 20, compare: 60, debug: 180, design: 300, defend: 90 } as const;
const words = (text: string) => text.split(/\s+/).filter(Boolean).length;

describe('the interview bank', () => {
  it.each(topics)('has for $topic what the plan asks for', (topic) => {
    const row = rowOf(topic);
    expect(formats.map((format) => row[format]).join(' ')).toBe(plan[topic.topic]);
  });

  it('has all topics and 217 questions', () => {
    expect(topics.map(({ topic }) => topic).toSorted()).toEqual(Object.keys(plan).toSorted());
    expect(drills).toHaveLength(217);
  });

  it('has a question for each objective of the course, so that readiness can be drilled everywhere', () => {
    const asked = new Set(drills.flatMap((drill) => drill.objectives));
    expect([...objectives].filter((id) => !asked.has(id))).toEqual([]);
  });

  it('gives no id twice', () => {
    expect(new Set(drills.map(({ id }) => id)).size).toBe(drills.length);
  });

  it.each(drills)('$id: names objectives of its day and a lab of the course', ({ objectives: named, day, ownWork }) => {
    expect(named.filter((id) => !objectives.has(id))).toEqual([]);
    expect(named.some((id) => id.startsWith(`D${day}.`))).toBe(true);
    expect(labs.has(ownWork.lab), ownWork.lab).toBe(true);
  });

  it.each(drills)('$id: has a model answer that can be said in the time', ({ format, model }) => {
    // Half of a long answer is thinking and drawing, so only its upper end is bounded there.
    expect(words(model)).toBeLessThanOrEqual(Math.round(seconds[format] * wordsPerSecond * 1.15));
    expect(words(model)).toBeGreaterThanOrEqual(format === 'define' ? 18 : 60);
  });

  it.each(drills)('$id: shows evidence where it is to be debugged from evidence', ({ format, evidence }) => {
    if (format === 'debug') expect(evidence?.trim()).toBeTruthy();
  });
});
