import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { slugOf } from '../../../src/course/terms.ts';
import { frontmatter, loadDays, loadTerms, root } from './load.ts';

// Where the numbers of the course come from. `says` stands in the text word for word.
const place = { day: z.number().int().optional(), word: z.string().optional(), says: z.string().min(1) };
/** `day 3`, or the word. */
const nameOf = ({ day, word }: { day?: number | undefined; word?: string | undefined }): string => word ?? `day ${day}`;
const claimSchema = z.union([
  /** What a lab shows. `ran`: figures of one run, which lie within the bounds that the check accepts. */
  z.strictObject({
    ...place,
    lab: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/),
    ran: z.array(z.number()).default([]),
  }),
  /** What a product does, and the field or page that says so. */
  z.strictObject({
    ...place,
    cite: z.string().regex(/^(Istio|Envoy|Kubernetes|RFC \d+|Resilience4j|AWS|HashiCorp|Buoyant), /),
  }),
  /** What follows from numbers that stand before it; the test computes them. */
  z.strictObject({ ...place, sum: z.union([z.string(), z.array(z.string())]) }),
  /** What was made up, drawn by chance, or measured once: a worked example has to begin with something. */
  z.strictObject({ ...place, given: z.string().min(8) }),
]);
export type Claim = z.infer<typeof claimSchema> & { readonly name: string };

const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');
const claimsIn = (...path: string[]): Claim[] =>
  z
    .array(claimSchema)
    .parse(parse(read(...path)))
    .map((claim) => ({ ...claim, name: nameOf(claim) }));
export const claims: readonly Claim[] = [...claimsIn('lessons', 'claims.yaml'), ...claimsIn('glossary', 'claims.yaml')];

/** The prose of a text: no imports, no widgets, no drawings, no code beside the text. */
export function proseOf(text: string): string {
  return text
    .replace(/^import .*$/gm, '')
    .replace(/<[A-Z][A-Za-z]*\b[^>]*\/>/gs, '')
    .replace(/<svg\b.*?<\/svg>/gs, '')
    .replace(/\n(?!\n)/g, ' ');
}

export function sentencesOf(text: string): string[] {
  return proseOf(text)
    .split(/(?<=[.?!:])\s+(?=[A-Z`*"0-9])|\n\n|\|/)
    .map((sentence) => sentence.trim());
}

export const numbers = (text: string): number[] =>
  [...text.matchAll(/\d+(?:,\d{3})*(?:\.\d+)?/g)].map(([found]) => Number(found.replaceAll(',', '')));

export interface Text {
  readonly name: string;
  readonly text: string;
  /** Labs that the text is about. */
  readonly labs: readonly string[];
  /** What stands beside the text as YAML, log or metric. */
  readonly shown: string;
}

export const days: readonly Text[] = loadDays().map(({ folder, body, lesson, outline }) => {
  const study = frontmatter(read(folder, 'study.mdx')).body;
  const { labs, moreLabs, incident } = outline;
  return {
    name: nameOf({ day: lesson.day }),
    text: [body, study, ...lesson.takeaways].join('\n\n'),
    labs: [...labs, ...moreLabs].map(({ id }) => id).concat(incident ?? []),
    shown: '',
  };
});

/** What a term's page states. Phrases as people say them, and cases, are scenes: their numbers are made up. */
export const words: readonly Text[] = loadTerms().map(({ data, body }) => ({
  name: slugOf(data.term),
  text: [data.gist, data.definition, body, ...data.confusedWith.map(({ how }) => how)].join('\n\n'),
  labs: [],
  shown: data.stands.map(({ text }) => text).join('\n'),
}));

export const claimsOf = ({ name }: Text): readonly Claim[] => claims.filter((claim) => claim.name === name);

/** All text of a lab's YAML: its check, and the settings of its objects. */
export function labText(lab: string): string {
  const folder = join(root, 'labs', lab);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file) && file !== 'lab.yaml' && !file.startsWith('wrong'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

/** `0.99 × 0.99 = 0.98`: what stands left of the sign, and right of it. */
export const SUM = /(\d[\d,.]*(?: ?%)?(?: [×÷+−^] \d[\d,.]*(?: ?%)?)+) (?:=|is|are|makes?) (\d[\d,]*(?:\.\d+)?)( ?%)?/g;

const operators: readonly Readonly<Record<string, (a: number, b: number) => number>>[] = [
  { '^': (a, b) => a ** b },
  { '×': (a, b) => a * b, '÷': (a, b) => a / b },
  { '+': (a, b) => a + b, '−': (a, b) => a - b },
];

/** The value of a sum as it is written: powers first, then products, then the rest, each from the left. */
export function valueOf(text: string): number {
  const parts = text.split(/ ([×÷+−^]) /);
  const values = parts
    .filter((_, at) => at % 2 === 0)
    .map((part) => Number(part.replace(/[,%\s]/g, '')) / (part.includes('%') ? 100 : 1));
  const signs = parts.filter((_, at) => at % 2 === 1);
  for (const level of operators)
    for (let at = 0; at < signs.length; ) {
      const operator = level[signs[at] ?? ''];
      if (!operator) at++;
      else {
        values.splice(at, 2, operator(values[at] ?? 0, values[at + 1] ?? 0));
        signs.splice(at, 1);
      }
    }
  return values[0] ?? Number.NaN;
}

/** As exact as it is written; two or three significant figures may stand for more. */
export function isRight(left: string, right: string, percent: boolean): boolean {
  const digits = right.split('.')[1]?.length ?? 0;
  const said = Number(right.replaceAll(',', ''));
  const value = valueOf(left) * (percent ? 100 : 1);
  return Math.abs(value - said) <= Math.max(0.51 * 10 ** -digits, said * 0.005);
}
