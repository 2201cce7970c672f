import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Asked, llhttp, ours, readAnswers } from './answer-readers.ts';
import { type Body, bytes, chunked, cuts, damage, forLlhttp, headers, injure, places, RUNS, sized } from './fuzz.ts';

/** An answer to be, and whether the connection may carry another behind it. */
interface Drawn extends Asked {
  readonly text: string;
  readonly status: number;
  readonly body: string;
  readonly persistent: boolean;
}

const untilClose: fc.Arbitrary<Body> = bytes.map((data) => ({ framing: '', wire: data, data }));
const withBody = fc.constantFrom(200, 201, 206, 301, 404, 503, 599);
const reason = fc.constantFrom('', ' OK', ' Not quite \x80', ' ');
const early = fc
  .array(fc.tuple(fc.constantFrom(100, 102, 103, 199), headers), { maxLength: 2 })
  .map((list) => list.map(([status, lines]) => `HTTP/1.1 ${status} Wait\r\n${lines}\r\n`).join(''));

interface Shape {
  readonly method: string;
  readonly status: number;
  readonly body: Body;
  readonly ends: 'here' | 'with the connection';
}

const shape: fc.Arbitrary<Shape> = fc.oneof(
  fc
    .tuple(fc.constantFrom('GET', 'POST'), withBody, fc.oneof(sized, chunked))
    .map(([method, status, body]) => ({ method, status, body, ends: 'here' as const })),
  fc
    .tuple(withBody, untilClose)
    .map(([status, body]) => ({ method: 'GET', status, body, ends: 'with the connection' as const })),
  // What frames an answer to HEAD, and 304, tells of another answer; 204 has nothing to frame.
  fc
    .tuple(fc.constantFrom('HEAD', 'GET'), fc.constantFrom(200, 204, 304, 404), fc.oneof(sized, chunked))
    .filter(([method, status]) => method === 'HEAD' || status === 204 || status === 304)
    .map(([method, status, { framing }]) => ({
      method,
      status,
      body: { framing: status === 204 ? '' : framing, wire: '', data: '' },
      ends: 'here' as const,
    })),
);

const answer: fc.Arbitrary<Drawn> = fc
  .tuple(shape, early, headers, reason, fc.constantFrom('', 'Connection: keep-alive\r\n', 'Connection: close\r\n'))
  .map(([{ method, status, body, ends }, before, lines, words, connection]) => {
    const text = `${before}HTTP/1.1 ${status}${words}\r\n${connection}${lines}${body.framing}\r\n${body.wire}`;
    return {
      method,
      text,
      wire: Buffer.from(text, 'latin1'),
      closes: ends === 'with the connection',
      status,
      body: body.data,
      persistent: ends === 'here' && !connection.includes('close'),
    };
  });

it('reads valid answers of one connection as llhttp does, wherever they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 3 }), cuts, async (answers, numbers) => {
      const last = answers.findIndex(({ persistent }) => !persistent);
      const read = last < 0 ? answers : answers.slice(0, last + 1);
      const cutsOf = (wire: Buffer): number[] => places(numbers, wire.length);
      const reading = await readAnswers(ours, answers, cutsOf);
      expect(reading.refusal).toBeUndefined();
      expect(reading.answers.map(({ status, body }) => [status, body])).toEqual(
        read.map(({ status, body }) => [status, body]),
      );
      expect(reading.reusable).toBe(read.at(-1)!.persistent);
      expect(await readAnswers(llhttp, answers, cutsOf)).toEqual(reading);
    }),
    { numRuns: RUNS },
  );
});

it('reads no damaged answer otherwise than llhttp: what it accepts, llhttp accepts with the same status, body and end', async () => {
  await fc.assert(
    fc.asyncProperty(answer, answer, damage, cuts, async (first, second, wounds, numbers) => {
      const hurt = { ...first, wire: Buffer.from(injure(first.text, wounds), 'latin1') };
      const each = (wire: Buffer): number[] => Array.from(wire, (_, i) => i);
      const one = await readAnswers(ours, [hurt], each);
      const again = await readAnswers(ours, [hurt], (wire) => places(numbers, wire.length));
      expect(again.answers.map(withoutEnd)).toEqual(one.answers.map(withoutEnd));
      const accepted = one.answers[0];
      if (accepted === undefined) return;
      const whole = { ...hurt, wire: forLlhttp(hurt.wire.subarray(0, accepted.end)) };
      expect((await readAnswers(llhttp, [whole], () => [])).answers).toEqual([accepted]);
      // Node gives no connection back behind an answer to HEAD that frames nothing.
      if (one.reusable && hurt.method !== 'HEAD') {
        const [, next] = (await readAnswers(llhttp, [whole, second], () => [])).answers;
        expect(next).toMatchObject({ status: second.status, body: second.body });
      }
      if (first.closes) return;
      const short = { ...whole, wire: whole.wire.subarray(0, accepted.end - 1) };
      expect((await readAnswers(llhttp, [short], () => [])).answers).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});

const withoutEnd = <T extends { readonly end: number }>({ end: _end, ...rest }: T): Omit<T, 'end'> => rest;
