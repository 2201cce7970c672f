import fc from 'fast-check';
import { expect, it } from 'vitest';
import { cuts, places, RUNS } from '../data-plane-h1/fuzz.ts';
import { type DrawnOrder, interleave, order } from './drawn-connection.ts';
import {
  blockOf,
  bodyFrames,
  bodyOf,
  type DrawnBlock,
  type DrawnBody,
  type Ending,
  headerFrames,
  styled,
  textOf,
  withLength,
} from './drawn-messages.ts';
import { forNode, injureFrames, wounds } from './frame-damage.ts';
import { SETTINGS } from './harness.ts';
import { HpackWriter } from './hpack-writer.ts';
import { learnHuffman } from './huffman-codes.ts';
import { lasting, nodeClient, ourClient, readMessages, type SeenMessage, wholeOf } from './message-readers.ts';

const huffman = await learnHuffman();

interface DrawnAnswer {
  readonly method: string;
  readonly early: readonly DrawnBlock[];
  readonly head: DrawnBlock;
  readonly bodyless: boolean;
  /** It says how long its body is. */
  readonly sized: boolean;
  readonly body: DrawnBody;
}

const headOf = (statuses: readonly string[]): fc.Arbitrary<DrawnBlock> =>
  blockOf(styled(fc.constant(':status'), fc.constantFrom(...statuses)).map((one) => [one]));

const early = fc.array(headOf(['100', '102', '103', '199']), { maxLength: 2 });
const endings = fc.constantFrom<Ending[]>('data', 'data', 'empty', 'trailers', 'reset', 'open');

const drawnAnswer: fc.Arbitrary<DrawnAnswer> = fc.oneof(
  fc.record({
    method: fc.constantFrom('GET', 'POST', 'OPTIONS'),
    early,
    head: headOf(['200', '206', '301', '404', '500', '599']),
    bodyless: fc.boolean(),
    sized: fc.boolean(),
    body: bodyOf(endings),
  }),
  fc.record({
    method: fc.constantFrom('HEAD', 'GET'),
    early,
    head: headOf(['204', '304']),
    bodyless: fc.constant(true),
    sized: fc.constant(false),
    body: bodyOf(fc.constant('data')),
  }),
);

interface DrawnConnection {
  readonly answers: readonly DrawnAnswer[];
  readonly order: DrawnOrder;
}

const connection = fc.record({ answers: fc.array(drawnAnswer, { minLength: 1, maxLength: 4 }), order });

/** `sizes`: answers may say how long they are. */
function framesOfServer({ answers, order }: DrawnConnection, sizes = true): Buffer[] {
  const writer = new HpackWriter(huffman);
  const streams = answers.map(({ early, head, bodyless, sized, body }, i) => {
    const id = 2 * i + 1;
    const before = early.map((block) => () => headerFrames(block, writer, { id, ends: false }));
    const told = sized && sizes && !bodyless ? withLength(head, textOf(body).length) : head;
    const first = (): Buffer[] => headerFrames(told, writer, { id, ends: bodyless });
    return { id, groups: [...before, first, ...(bodyless ? [] : bodyFrames(body, writer, id))] };
  });
  return [SETTINGS, ...interleave(streams, order)];
}

const methodsOf = ({ answers }: DrawnConnection): string[] => answers.map(({ method }) => method);

const ENDS: Record<Ending, SeenMessage['state']> = {
  data: 'ended',
  empty: 'ended',
  trailers: 'ended',
  reset: 'reset',
  open: 'open',
};

it('reads answers of interleaved streams as nghttp2 does, wherever they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(connection, cuts, async (drawn, numbers) => {
      const bytes = Buffer.concat(framesOfServer(drawn));
      const at = places(numbers, bytes.length);
      const { messages, refusal } = await readMessages(ourClient(methodsOf(drawn)), bytes, at);
      expect(refusal).toBe(messages.some(({ state }) => state === 'reset') ? 'http2.remote_reset' : undefined);
      expect(messages).toMatchObject(
        drawn.answers.map(({ bodyless, body }, i) => ({
          id: 2 * i + 1,
          state: bodyless ? 'ended' : ENDS[body.ending],
          body: bodyless ? '' : textOf(body),
        })),
      );
      const reference = await readMessages(nodeClient(methodsOf(drawn)), bytes, at);
      expect(reference.refusal).toBeUndefined();
      expect(reference.messages.map(lasting)).toEqual(messages.map(lasting));
    }),
    { numRuns: RUNS },
  );
});

it('reads no damaged frame otherwise than nghttp2: what it takes for a whole answer, nghttp2 does with the same fields, body and end', async () => {
  await fc.assert(
    fc.asyncProperty(connection, wounds, cuts, async (drawn, list, numbers) => {
      // Node gives a connection up on which a body has a wrong length: what stands behind it says nothing.
      const bytes = Buffer.concat(injureFrames(framesOfServer(drawn, drawn.answers.length === 1), list));
      const each = Array.from(bytes, (_, i) => i);
      const { messages, ends } = await readMessages(ourClient(methodsOf(drawn)), bytes, each);
      const again = await readMessages(ourClient(methodsOf(drawn)), bytes, places(numbers, bytes.length));
      expect(again.messages.map(lasting)).toEqual(messages.map(lasting));
      const whole = messages.filter(({ state }) => state === 'ended');
      const end = Math.max(0, ...ends.values());
      if (end === 0) return;
      const taken = forNode(bytes.subarray(0, end), 0);
      const reference = await readMessages(nodeClient(methodsOf(drawn)), taken, [...ends.values()]);
      expect(wholeOf(reference, whole)).toEqual(whole);
      const early = await readMessages(nodeClient(methodsOf(drawn)), taken.subarray(0, end - 1), [...ends.values()]);
      expect(wholeOf(early, whole).length).toBe([...ends.values()].filter((one) => one < end).length);
    }),
    { numRuns: RUNS },
  );
});
