import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { outlineOf } from '../../../src/course/days.ts';
import {
  courseSchema,
  extraCardsSchema,
  interviewSchema,
  lessonSchema,
  quizSchema,
  termSchema,
  writeSchema,
} from '../../../src/course/schemas.ts';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

/** Splits a file into its frontmatter, parsed, and its text. */
export function frontmatter(text: string): { data: unknown; body: string } {
  const [, head = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? [];
  return { data: parse(head), body };
}

export function loadTerms() {
  return readdirSync(join(root, 'glossary'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => {
      const { data, body } = frontmatter(read('glossary', file));
      return { file, data: termSchema.parse(data), body };
    });
}

/** The cards that are written beside the terms' pages. */
export function loadExtraCards() {
  const list = (name: string) => [name, parse(read('glossary', 'cards', `${name}.yaml`))];
  return extraCardsSchema.parse(Object.fromEntries(['gaps', 'flags', 'orders', 'bugs'].map(list)));
}

export function loadCourse() {
  return courseSchema.parse(parse(read('lessons', 'course.yaml')));
}

/** Every written day with all its files. */
export function loadDays() {
  return readdirSync(join(root, 'lessons'), { withFileTypes: true })
    .filter((week) => week.isDirectory())
    .flatMap((week) => readdirSync(join(root, 'lessons', week.name)).map((day) => join('lessons', week.name, day)))
    .filter((folder) => existsSync(join(root, folder, 'lesson.mdx')))
    .map((folder) => {
      const { data, body } = frontmatter(read(folder, 'lesson.mdx'));
      const lesson = lessonSchema.parse(data);
      return {
        folder,
        outline: outlineOf(loadCourse(), lesson.day),
        lesson,
        body,
        quiz: quizSchema.parse(parse(read(folder, 'quiz.yaml'))),
        interview: interviewSchema.parse(parse(read(folder, 'interview.yaml'))),
        write: writeSchema.parse(parse(read(folder, 'write.yaml'))),
      };
    });
}

export interface LabFacts {
  readonly id: string;
  readonly day: number;
  readonly minutes: number;
  readonly terms: readonly string[];
  readonly checks: readonly { readonly id: string; readonly objective: string }[];
}

export function loadLab(id: string): LabFacts | undefined {
  const file = join('labs', id, 'lab.yaml');
  if (!existsSync(join(root, file))) return undefined;
  const lab = parse(read(file)) as {
    day: number;
    minutes: number;
    terms?: string[];
    checks?: { id: string; objective?: string }[];
  };
  const checks = (lab.checks ?? []).map((check) => ({ id: `${id}/${check.id}`, objective: check.objective ?? '' }));
  return { id, day: lab.day, minutes: lab.minutes, terms: lab.terms ?? [], checks };
}

export function labIds(): string[] {
  return readdirSync(join(root, 'labs')).filter((id) => existsSync(join(root, 'labs', id, 'lab.yaml')));
}
