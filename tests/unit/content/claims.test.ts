import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { frontmatter, loadDays, loadTerms, root } from './load.ts';

const claimSchema = z.union([
  z.strictObject({
    day: z.number().int(),
    says: z.string().regex(/\d|\bfour billion\b/),
    lab: z.string().regex(/^[a-z0-9-]+\/[a-z0-9-]+$/),
    ran: z.array(z.number()).default([]),
  }),
  z.strictObject({
    day: z.number().int(),
    says: z.string(),
    cite: z.string().regex(/^(Istio|Envoy|Kubernetes|RFC \d+), /),
  }),
]);
type Claim = z.infer<typeof claimSchema>;

const claims: Claim[] = z.array(claimSchema).parse(parse(readFileSync(join(root, 'lessons/claims.yaml'), 'utf8')));

/** The prose of a text: no imports, no widgets, no code beside the text. */
function proseOf(text: string): string {
  return text
    .replace(/^import .*$/gm, '')
    .replace(/<[A-Z][A-Za-z]*\b[^>]*\/>/gs, '')
    .replace(/\n(?!\n)/g, ' ');
}

function sentencesOf(text: string): string[] {
  return proseOf(text)
    .split(/(?<=[.?!:])\s+(?=[A-Z`*"0-9])|\n\n|\|/)
    .map((sentence) => sentence.trim());
}

const days = loadDays().map(({ folder, body, lesson }) => {
  const study = frontmatter(readFileSync(join(root, folder, 'study.mdx'), 'utf8')).body;
  return { day: lesson.day, text: [body, study, ...lesson.takeaways].join('\n\n') };
});

const numbers = (text: string): number[] =>
  [...text.matchAll(/\d+(?:,\d{3})*(?:\.\d+)?/g)].map(([found]) => Number(found.replaceAll(',', '')));

/** A sentence whose number somebody could look up: what a lab shows, or what a product does by default. */
const wantsSource = (sentence: string): boolean =>
  /\d|four billion/.test(sentence.replace(/HTTP\/[\d.]+|:\d+/g, '')) &&
  /\b(labs?|in one run|by default|default is)\b/i.test(sentence.replace(/\]\([^)]*\)/g, ''));

/** All text of a lab's YAML: its check, and the settings of its objects. */
function labText(lab: string): string {
  const folder = join(root, 'labs', lab);
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.ya?ml$/.test(file) && file !== 'lab.yaml' && !file.startsWith('wrong'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n');
}

interface Bounds {
  min?: number;
  max?: number;
  requests?: number;
}

/** Every `{min, max}` of a check, at any depth. */
function boundsIn(value: unknown): Bounds[] {
  if (Array.isArray(value)) return value.flatMap(boundsIn);
  if (typeof value !== 'object' || value === null) return [];
  const own = value as Bounds & Record<string, unknown>;
  const here = own.min !== undefined || own.max !== undefined || own.requests !== undefined ? [own] : [];
  return [...here, ...Object.values(own).flatMap(boundsIn)];
}

describe('the numbers of the lessons', () => {
  it.each(days)('day $day: each that a lab shows or a product has by default names its source', ({ day, text }) => {
    const own = claims.filter((claim) => claim.day === day);
    const bare = sentencesOf(text).filter(
      (sentence) => wantsSource(sentence) && !own.some(({ says }) => sentence.includes(says)),
    );
    expect(bare).toEqual([]);
  });

  it.each(claims)('day $day: “$says” stands in its text', ({ day, says }) => {
    expect(proseOf(days.find((one) => one.day === day)?.text ?? '')).toContain(says);
  });

  it.each(claims.flatMap((claim) => ('lab' in claim ? [claim] : [])))(
    '“$says” is what the check $lab asserts',
    ({ says, lab: source, ran }) => {
      const [lab = '', check = ''] = source.split('/');
      const file = join(root, 'labs', lab, 'lab.yaml');
      expect(existsSync(file)).toBe(true);
      const spec = parse(readFileSync(file, 'utf8')) as { proves: string; checks: { id: string; probe: unknown }[] };
      const asserted = spec.checks.find(({ id }) => id === check);
      if (!asserted) throw new Error(`the lab ${lab} has no check ${check}`);
      const known = new Set(numbers(`${JSON.stringify(asserted)}\n${spec.proves}\n${labText(lab)}`));
      expect(numbers(says.replace(/\bv\d\b/g, '')).filter((n) => !known.has(n) && !ran.includes(n))).toEqual([]);
      const bounds = boundsIn(asserted.probe);
      const within = (n: number) =>
        bounds.some(({ min = 0, max, requests }) => min <= n && n <= (max ?? requests ?? Number.POSITIVE_INFINITY));
      expect(ran.filter((n) => !within(n))).toEqual([]);
    },
  );
});

/** `0.99 × 0.99 = 0.98`: what stands left of the sign, and right of it. */
const SUM = /(\d[\d,.]*(?: ?%)?(?: [×÷+−] \d[\d,.]*(?: ?%)?)+) (?:=|is|are|makes?) (\d[\d,]*(?:\.\d+)?)( ?%)?/g;

function valueOf(text: string): number {
  const [first = '', ...rest] = text.split(/ ([×÷+−]) /);
  const one = (part: string) => Number(part.replace(/[,%\s]/g, '')) / (part.includes('%') ? 100 : 1);
  // Products before sums.
  const terms: number[] = [one(first)];
  for (let at = 0; at < rest.length; at += 2) {
    const [sign = '', right = ''] = [rest[at], rest[at + 1]];
    const value = one(right);
    const last = terms.length - 1;
    if (sign === '×') terms[last] = (terms[last] ?? 0) * value;
    else if (sign === '÷') terms[last] = (terms[last] ?? 0) / value;
    else terms.push(sign === '+' ? value : -value);
  }
  return terms.reduce((sum, term) => sum + term, 0);
}

const everywhere = [
  ...loadDays().flatMap(({ folder, lesson }) =>
    readdirSync(join(root, folder))
      .filter((file) => /\.(mdx|yaml)$/.test(file))
      .map((file) => ({ place: `day ${lesson.day}, ${file}`, text: readFileSync(join(root, folder, file), 'utf8') })),
  ),
  ...loadTerms().map(({ file, data, body }) => ({ place: file, text: `${JSON.stringify(data)}\n${body}` })),
  ...readdirSync(join(root, 'lessons/bank')).map((file) => ({
    place: file,
    text: readFileSync(join(root, 'lessons/bank', file), 'utf8'),
  })),
];
const sums = everywhere.flatMap(({ place, text }) =>
  [...text.replace(/\\n|\s+/g, ' ').matchAll(SUM)].map(([whole, left = '', right = '', percent = '']) => ({
    place,
    whole,
    left,
    right,
    percent,
  })),
);

describe('the sums in the text', () => {
  it('are many', () => {
    expect(sums.length).toBeGreaterThan(20);
  });

  it.each(sums)('$place: $whole', ({ left, right, percent }) => {
    const digits = right.split('.')[1]?.length ?? 0;
    const said = Number(right.replaceAll(',', ''));
    const value = valueOf(left) * (percent ? 100 : 1);
    // As exact as it is written; two or three significant figures may stand for more.
    expect(Math.abs(value - said)).toBeLessThanOrEqual(Math.max(0.51 * 10 ** -digits, said * 0.005));
  });
});
