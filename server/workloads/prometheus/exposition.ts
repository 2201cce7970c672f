import type { Labels } from './promql/index.ts';

export interface Told {
  readonly labels: Labels;
  readonly value: number;
}

/** A page of metrics could not be read. */
export class ExpositionError extends Error {}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*=\s*"((?:[^"\\\n]|\\.)*)"\s*(,?)\s*/y;
/** The value, and a time that is not needed here. */
const VALUE = /\s+(\S+)(?:\s+-?\d+)?\s*$/y;

/** Reads Prometheus' text format 0.0.4. Lines of comments are skipped. */
export function readExposition(text: string): Told[] {
  const told: Told[] = [];
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    if (trimmed !== '' && !trimmed.startsWith('#')) told.push(readLine(trimmed));
  }
  return told;
}

function readLine(line: string): Told {
  NAME.lastIndex = 0;
  const name = NAME.exec(line)?.[0];
  if (name === undefined) throw new ExpositionError(`expected a metric name in "${line.slice(0, 80)}"`);
  const labels: Record<string, string> = { __name__: name };
  let at = name.length;
  if (line[at] === '{') {
    at++;
    while (line[at] !== '}') {
      LABEL.lastIndex = at;
      const [whole, label, value = '', comma] = LABEL.exec(line) ?? [];
      if (whole === undefined || label === undefined)
        throw new ExpositionError(`expected a label in "${line.slice(0, 80)}"`);
      if (value !== '') labels[label] = value.includes('\\') ? unescaped(value) : value;
      at += whole.length;
      if (comma === '' && line[at] !== '}') throw new ExpositionError(`expected "}" in "${line.slice(0, 80)}"`);
    }
    at++;
  }
  VALUE.lastIndex = at;
  const number = VALUE.exec(line)?.[1];
  const value = number === undefined ? undefined : readNumber(number);
  if (value === undefined) throw new ExpositionError(`expected a value in "${line.slice(0, 80)}"`);
  return { labels, value };
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));

function readNumber(text: string): number | undefined {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}
