import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PREFACE } from '../../../server/data-plane/http/h2/frame.ts';
import { cuts, places, RUNS } from '../data-plane-h1/fuzz.ts';
import { type DrawnOrder, interleave, order } from './drawn-connection.ts';
import {
  blockOf,
  bodyFrames,
  bodyOf,
  type DrawnBlock,
  type DrawnBody,
  headerFrames,
  styled,
  textOf,
  withLength,
} from './drawn-messages.ts';
import { forNode, injureFrames, wounds } from './frame-damage.ts';
import { SETTINGS } from './harness.ts';
import { HpackWriter } from './hpack-writer.ts';
import { learnHuffman } from './huffman-codes.ts';
import { lasting, nodeServer, ourServer, readMessages, type SeenMessage, wholeOf } from './message-readers.ts';

const huffman = await learnHuffman();

interface DrawnRequest {
  readonly head: DrawnBlock;
  readonly bodyless: boolean;
  /** It says how long its body is. */
  readonly sized: boolean;
  readonly body: DrawnBody;
}

const pseudo = fc
  .tuple(
    styled(fc.constant(':method'), fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS')),
    styled(fc.constant(':scheme'), fc.constantFrom('http', 'https')),
    styled(fc.constant(':path'), fc.stringMatching(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]{0,20}$/)),
    styled(fc.constant(':authority'), fc.constantFrom('app', 'app:80', '[::1]:8080')),
    fc.nat(3),
  )
  .map(([method, scheme, path, authority, first]) => {
    const fields = [method, scheme, path, authority];
    return [...fields.slice(first), ...fields.slice(0, first)];
  });

const drawnRequest: fc.Arbitrary<DrawnRequest> = fc.record({
  head: blockOf(pseudo),
  bodyless: fc.boolean(),
  sized: fc.boolean(),
  body: bodyOf(fc.constantFrom('data', 'data', 'empty', 'trailers', 'reset', 'open')),
});

const connection = fc.record({ requests: fc.array(drawnRequest, { minLength: 1, maxLength: 4 }), order });

interface DrawnConnection {
  readonly requests: readonly DrawnRequest[];
  readonly order: DrawnOrder;
}

/** All frames behind the preface. `sizes`: requests may say how long they are. */
function framesOfClient({ requests, order }: DrawnConnection, sizes = true): Buffer[] {
  const writer = new HpackWriter(huffman);
  const streams = requests.map(({ head, bodyless, sized, body }, i) => {
    const id = 2 * i + 1;
    const told = sized && sizes ? withLength(head, bodyless ? 0 : textOf(body).length) : head;
    const first = (): Buffer[] => headerFrames(told, writer, { id, ends: bodyless });
    return { id, groups: [first, ...(bodyless ? [] : bodyFrames(body, writer, id))] };
  });
  return [SETTINGS, ...interleave(streams, order)];
}

const ENDS: Record<DrawnBody['ending'], SeenMessage['state']> = {
  data: 'ended',
  empty: 'ended',
  trailers: 'ended',
  reset: 'reset',
  open: 'open',
};

it('reads requests of interleaved streams as nghttp2 does, wherever they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(connection, cuts, async (drawn, numbers) => {
      const bytes = Buffer.concat([PREFACE, ...framesOfClient(drawn)]);
      const at = places(numbers, bytes.length);
      const { messages, refusal } = await readMessages(ourServer, bytes, at);
      expect(refusal).toBeUndefined();
      const expected = drawn.requests.map(({ bodyless, body }, i) => ({
        id: 2 * i + 1,
        state: bodyless ? 'ended' : ENDS[body.ending],
        body: bodyless ? '' : textOf(body),
      }));
      expect(messages).toMatchObject(expected);
      const reference = await readMessages(nodeServer, bytes, at);
      expect(reference.refusal).toBeUndefined();
      expect(reference.messages.map(lasting)).toEqual(messages.map(lasting));
    }),
    { numRuns: RUNS },
  );
});

it('reads no damaged frame otherwise than nghttp2: what it takes for a whole request, nghttp2 does with the same fields, body and end', async () => {
  await fc.assert(
    fc.asyncProperty(connection, wounds, cuts, async (drawn, list, numbers) => {
      // Node gives a connection up on which a body has a wrong length: what stands behind it says nothing.
      const frames = framesOfClient(drawn, drawn.requests.length === 1);
      const bytes = Buffer.concat([PREFACE, ...injureFrames(frames, list)]);
      const each = Array.from(bytes, (_, i) => i);
      const { messages, ends } = await readMessages(ourServer, bytes, each);
      const again = await readMessages(ourServer, bytes, places(numbers, bytes.length));
      expect(again.messages.map(lasting)).toEqual(messages.map(lasting));
      const whole = messages.filter(({ state }) => state === 'ended');
      const end = Math.max(0, ...ends.values());
      if (end === 0) return;
      const taken = forNode(bytes.subarray(0, end));
      const reference = await readMessages(nodeServer, taken, [...ends.values()]);
      expect(wholeOf(reference, whole)).toEqual(whole);
      const early = await readMessages(nodeServer, taken.subarray(0, end - 1), [...ends.values()]);
      expect(wholeOf(early, whole).length).toBe([...ends.values()].filter((one) => one < end).length);
    }),
    { numRuns: RUNS },
  );
});
