import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { everywhere } from '../data-plane-h1/fuzz.ts';
import { bytesOf, verdictOf, type WrittenFrame } from './corpus-frames.ts';
import { HELLO, SETTINGS } from './harness.ts';
import {
  type MessageReading,
  nodeClient,
  nodeServer,
  type OpenMessages,
  ourClient,
  ourServer,
  readMessages,
  type SeenMessage,
  wholeOf,
} from './message-readers.ts';

/** Frames of our own making, what is read of them, and why. */
interface Entry {
  readonly name: string;
  readonly rfc: string;
  readonly why: string;
  readonly frames: readonly WrittenFrame[];
  /** Nothing stands before the frames: the preface and SETTINGS otherwise. */
  readonly bare?: boolean;
  /** Messages that are whole: requests as `stream METHOD url body`, answers as `stream status body`. */
  readonly reads?: readonly string[];
  /** How the connection ends, and why in Envoy's words. */
  readonly goaway?: string;
  readonly details?: string;
  /** Streams that are reset alone, as `stream code`. */
  readonly resets?: readonly string[];
  /** Node reads none of them: it gives the connection up. */
  readonly nodeRefuses?: boolean;
  /** Of answers: what was asked. */
  readonly asked?: readonly string[];
}

const entriesOf = (file: string): (readonly [string, Entry])[] =>
  (parse(readFileSync(join(import.meta.dirname, 'corpus', file), 'utf8')) as Entry[]).map((entry) => [
    entry.name,
    entry,
  ]);

const line = ({ id, head, body }: SeenMessage): string => `${id} ${head[0]}${body === '' ? '' : ` ${body}`}`;

const told = ({ messages, ends }: MessageReading): string[] => messages.filter(({ id }) => ends.has(id)).map(line);

async function check(entry: Entry, bytes: Buffer, [ours, node]: readonly [OpenMessages, OpenMessages]): Promise<void> {
  const slow = await readMessages(ours, bytes, everywhere(bytes));
  for (const reading of [slow, await readMessages(ours, bytes, [])]) {
    expect(told(reading)).toEqual(entry.reads ?? []);
    expect(verdictOf(reading.sent)).toEqual({ goaway: entry.goaway, resets: entry.resets ?? [] });
    expect(reading.refusal).toBe(entry.details);
  }
  const ends = [...slow.ends.values()];
  const reference = await readMessages(node, bytes.subarray(0, Math.max(0, ...ends)), ends);
  const whole = wholeOf(
    reference,
    slow.messages.filter(({ id }) => slow.ends.has(id)),
  );
  expect(whole.map(line)).toEqual(entry.nodeRefuses === true ? [] : (entry.reads ?? []));
}

describe.each(['connections.yaml', 'streams.yaml', 'headers.yaml', 'floods.yaml'])('of the requests in %s', (file) => {
  it.each(entriesOf(file))('%s', async (_name, entry) => {
    const bytes = Buffer.concat([entry.bare === true ? Buffer.alloc(0) : HELLO, bytesOf(entry.frames)]);
    await check(entry, bytes, [ourServer, nodeServer]);
  });
});

describe('of the answers in answers.yaml', () => {
  it.each(entriesOf('answers.yaml'))('%s', async (_name, entry) => {
    const bytes = Buffer.concat([entry.bare === true ? Buffer.alloc(0) : SETTINGS, bytesOf(entry.frames)]);
    const asked = entry.asked ?? ['GET'];
    await check(entry, bytes, [ourClient(asked), nodeClient(asked)]);
  });
});
