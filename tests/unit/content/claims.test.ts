import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  claims,
  claimsOf,
  days,
  isRight,
  labText,
  numbers,
  proseOf,
  SUM,
  sentencesOf,
  type Text,
  words,
} from './claims.ts';
import { loadDays, loadTerms, root } from './load.ts';

/** A sentence whose number somebody could look up: what a lab shows, or what a product does by default. */
const wantsSource = (sentence: string): boolean =>
  /\d|four billion/.test(sentence.replace(/HTTP\/[\d.]+|:\d+|\b[45]xx\b/g, '')) &&
  /\b(labs?|in one run|by default|defaults?)\b(?!\.)/i.test(sentence.replace(/\]\([^)]*\)/g, ''));

/** Istio's ports and the user of its proxies ("Application Requirements"), of its traces' receivers, and those that examples use. */
const known = new Set([
  ...Object.keys(STATUS_CODES).map(Number),
  ...[15000, 15001, 15006, 15008, 15010, 15012, 15014, 15017, 15020, 15021, 15090, 15443, 1337, 4317, 9411],
  ...[80, 443, 8080, 8443],
]);

/** Names with a digit in them, places in lists, and code, which shows its own numbers. */
const NAMES =
  /`[^`]*`|\]\([^)]*\)|<sup>.*?<\/sup>|<\/?\w[^>]*>|HTTP\/[\d.]+|X\.509|TLS 1\.\d|\bv\d\b|[Ll]ayers? \d|\bL[47]\b|\bB3\b|\bp\d\d\b|SHA-\d+|W3C|Resilience4j|IST\d{4}|\b[Dd]ays? \d+|\b[45]xx\b|^\d\.$/g;

/** Numbers of a sentence that are more than a count on the fingers, and that nothing beside the sentence explains. */
function unexplained(sentence: string, shown: ReadonlySet<number>): number[] {
  return numbers(sentence.replace(NAMES, ' ')).filter(
    (number) => !(Number.isInteger(number) && number <= 10) && !known.has(number) && !shown.has(number),
  );
}

/** Numbers of what stands beside the text: of its labs' files, and of its YAML and logs. Units are parted from them. */
const shownBeside = ({ labs, shown }: Text): Set<number> =>
  new Set(
    numbers(
      [shown, ...labs.filter(hasFiles).flatMap((lab) => [labText(lab), read('labs', lab, 'lab.yaml')])]
        .join('\n')
        .replace(/[A-Za-z]/g, ' '),
    ),
  );
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const hasFiles = (lab: string): boolean => existsSync(join(root, 'labs', lab, 'lab.yaml'));

describe('the numbers of the lessons and of the words', () => {
  it.each([...days, ...words])('$name: each says where it comes from', (text) => {
    const own = claimsOf(text);
    const shown = shownBeside(text);
    const bare = sentencesOf(text.text).filter((sentence) => {
      const said = own.filter(({ says }) => sentence.includes(says));
      if (said.length > 0) return false;
      if (wantsSource(sentence)) return true;
      const sums = new Set([...sentence.matchAll(SUM)].flatMap(([whole]) => numbers(whole)));
      return unexplained(sentence, new Set([...shown, ...sums])).length > 0;
    });
    expect(bare).toEqual([]);
  });

  it.each(claims)('$name: “$says” stands in its text', ({ name, says }) => {
    const text = [...days, ...words].find((one) => one.name === name)?.text ?? '';
    expect(proseOf(text)).toContain(says);
  });

  it.each(
    claims.flatMap((claim) => ('sum' in claim ? [claim.sum].flat().map((sum) => ({ says: claim.says, sum })) : [])),
  )('“$says” follows: $sum', ({ says, sum }) => {
    const found = [...sum.matchAll(SUM)];
    expect(found.length).toBe(1);
    for (const [, left = '', right = '', percent = ''] of found) {
      expect(isRight(left, right, percent !== '')).toBe(true);
      expect(numbers(says).some((number) => numbers(sum).includes(number) || numbers(sum).includes(number / 100))).toBe(
        true,
      );
    }
  });
});

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

describe('what a lab shows', () => {
  it.each(claims.flatMap((claim) => ('lab' in claim ? [claim] : [])))(
    '“$says” is what the check $lab asserts',
    ({ says, lab: source, ran }) => {
      const [lab = '', check = ''] = source.split('/');
      expect(hasFiles(lab)).toBe(true);
      const spec = parse(read('labs', lab, 'lab.yaml')) as {
        proves: string;
        checks: { id: string; probe: unknown }[];
      };
      const asserted = spec.checks.find(({ id }) => id === check);
      if (!asserted) throw new Error(`the lab ${lab} has no check ${check}`);
      const there = new Set(numbers(`${JSON.stringify(asserted)}\n${spec.proves}\n${labText(lab)}`));
      expect(numbers(says.replace(/\bv\d\b/g, '')).filter((n) => !there.has(n) && !ran.includes(n))).toEqual([]);
      const bounds = boundsIn(asserted.probe);
      const within = (n: number) =>
        bounds.some(({ min = 0, max, requests }) => min <= n && n <= (max ?? requests ?? Number.POSITIVE_INFINITY));
      expect(ran.filter((n) => !within(n))).toEqual([]);
    },
  );
});

const everywhere = [
  ...loadDays().flatMap(({ folder, lesson }) =>
    readdirSync(join(root, folder))
      .filter((file) => /\.(mdx|yaml)$/.test(file))
      .map((file) => ({ place: `day ${lesson.day}, ${file}`, text: read(folder, file) })),
  ),
  ...loadTerms().map(({ file, data, body }) => ({ place: file, text: `${JSON.stringify(data)}\n${body}` })),
  ...readdirSync(join(root, 'lessons/bank')).map((file) => ({ place: file, text: read('lessons', 'bank', file) })),
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
    expect(isRight(left, right, percent !== '')).toBe(true);
  });
});
