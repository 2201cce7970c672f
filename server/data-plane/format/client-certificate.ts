import { ConfigProblem } from '../config/problem.ts';
import type { CommandReader } from './subject.ts';

const KEYS = new Set(['by', 'hash', 'cert', 'chain', 'subject', 'uri', 'dns']);

/** The parts of a text between separators that do not stand in quotes; the last one only where its quotes are closed. */
function partsOf(text: string, separator: ',' | ';'): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  let backslashes = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"' && backslashes % 2 === 0) quoted = !quoted;
    if (letter === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
    backslashes = letter === '\\' ? backslashes + 1 : 0;
  }
  if (!quoted) parts.push(text.slice(start));
  return parts;
}

/** White space as C has it. */
const trimmed = (text: string): string => text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, '');

function valueOf(pair: string, key: string): string | undefined {
  const equals = pair.indexOf('=');
  const name = equals < 0 ? pair : pair.slice(0, equals);
  if (trimmed(name).toLowerCase() !== key) return undefined;
  const value = equals < 0 ? '' : trimmed(pair.slice(equals + 1));
  return value.replace(/^"(.*)"$/s, '$1').replaceAll(/\\(["\\])/g, '$1');
}

/** Of the oldest element that has the key: it tells of the client itself. */
function find(header: string, key: string): string | undefined {
  for (const element of partsOf(header, ',')) {
    for (const pair of partsOf(element, ';')) {
      const value = valueOf(pair, key);
      if (value !== undefined) return value;
    }
  }
  return undefined;
}

/** `%XFCC_VALUE(KEY)%`: one value of the request's x-forwarded-client-cert. Source: xfcc_value.cc of Envoy. */
export const clientCertificateValue: CommandReader = (argument, field) => {
  const key = argument.toLowerCase();
  if (key === '') throw new ConfigProblem(field, 'XFCC_VALUE command requires a subcommand');
  if (!KEYS.has(key)) throw new ConfigProblem(field, `XFCC_VALUE command does not support subcommand: ${key}`);
  return ({ head }) => {
    const header = head.headers.joined('x-forwarded-client-cert');
    return header === undefined || header === '' ? undefined : find(header, key);
  };
};
