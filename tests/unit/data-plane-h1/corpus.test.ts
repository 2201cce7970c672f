import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as answerReaders from './answer-readers.ts';
import { everywhere } from './fuzz.ts';
import * as requestReaders from './request-readers.ts';

/** A message of our own making, what is read of it, and why. */
interface Entry {
  readonly name: string;
  readonly rfc: string;
  readonly why: string;
  readonly bytes: readonly (string | { readonly text: string; readonly times: number })[];
  /** Requests as `METHOD target body`, answers as `status body`. */
  readonly reads?: readonly string[];
  /** Why nothing behind them is read, in Envoy's words. */
  readonly refused?: string;
  /** What is read here, and by Envoy, llhttp refuses. */
  readonly llhttpRefuses?: boolean;
  /** Of answers: what was asked, and whether the connection closes behind them. */
  readonly method?: string;
  readonly closes?: boolean;
}

const FOLDER = join(import.meta.dirname, 'corpus');
const entriesOf = (file: string): Entry[] => parse(readFileSync(join(FOLDER, file), 'utf8'));

const bytesOf = ({ bytes }: Entry): Buffer =>
  Buffer.concat(
    bytes.map((part) => Buffer.from(typeof part === 'string' ? part : part.text.repeat(part.times), 'latin1')),
  );

describe.each(['framing.yaml', 'chunks.yaml', 'lines.yaml', 'pipelines.yaml'])('of the requests in %s', (file) => {
  const told = ({ requests }: requestReaders.Reading): string[] =>
    requests.map(({ method, target, body }) => `${method} ${target}${body === '' ? '' : ` ${body}`}`);

  it.each(entriesOf(file).map((entry) => [entry.name, entry] as const))('%s', async (_name, entry) => {
    const wire = bytesOf(entry);
    const slow = await requestReaders.readRequests(requestReaders.ours, wire, everywhere(wire));
    const quick = await requestReaders.readRequests(requestReaders.ours, wire, []);
    for (const reading of [slow, quick]) {
      expect(told(reading)).toEqual(entry.reads ?? []);
      expect(reading.refusal?.details).toBe(entry.refused);
    }
    const taken = wire.subarray(0, slow.ends.at(-1) ?? 0);
    const reference = told(await requestReaders.readRequests(requestReaders.llhttp, taken, []));
    expect(reference).toEqual(entry.llhttpRefuses === true ? [] : (entry.reads ?? []));
  });
});

describe('of the answers in answers.yaml', () => {
  const told = ({ answers }: answerReaders.AnswerReading): string[] =>
    answers.map(({ status, body }) => `${status}${body === '' ? '' : ` ${body}`}`);

  it.each(entriesOf('answers.yaml').map((entry) => [entry.name, entry] as const))('%s', async (_name, entry) => {
    const asked = { method: entry.method ?? 'GET', wire: bytesOf(entry), closes: entry.closes ?? false };
    const slow = await answerReaders.readAnswers(answerReaders.ours, [asked], everywhere);
    const quick = await answerReaders.readAnswers(answerReaders.ours, [asked], () => []);
    for (const reading of [slow, quick]) {
      expect(told(reading)).toEqual(entry.reads ?? []);
      expect(reading.refusal).toBe(entry.refused);
    }
    const taken = { ...asked, wire: asked.wire.subarray(0, slow.answers.at(-1)?.end ?? 0) };
    const reference = told(await answerReaders.readAnswers(answerReaders.llhttp, [taken], () => []));
    expect(reference).toEqual(entry.llhttpRefuses === true ? [] : (entry.reads ?? []));
  });
});
