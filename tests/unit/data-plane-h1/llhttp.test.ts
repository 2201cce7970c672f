import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Body, chunked, cuts, damage, forLlhttp, headers, injure, places, RUNS, sized, target } from './fuzz.ts';
import { llhttp, ours, readRequests } from './request-readers.ts';

const body: fc.Arbitrary<Body> = fc.oneof(fc.constant({ framing: '', wire: '', data: '' }), sized, chunked);

const message = fc
  .tuple(fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'), target, headers, body)
  .map(([method, path, lines, content]) => ({
    wire: `${method} ${path} HTTP/1.1\r\nHost: a.b:80\r\n${lines}${content.framing}\r\n${content.wire}`,
    seen: { method, target: path, body: content.data },
  }));

it('reads valid pipelined messages as llhttp does, wherever they are cut', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 3 }), cuts, async (messages, numbers) => {
      const wire = Buffer.from(messages.map(({ wire }) => wire).join(''), 'latin1');
      const at = places(numbers, wire.length);
      const expected = messages.map(({ seen }) => seen);
      expect((await readRequests(ours, wire, at)).requests).toEqual(expected);
      expect((await readRequests(llhttp, wire, at)).requests).toEqual(expected);
    }),
    { numRuns: RUNS },
  );
});

it('reads no damaged message otherwise than llhttp: what it accepts, llhttp accepts with the same body and end', async () => {
  await fc.assert(
    fc.asyncProperty(message, message, damage, cuts, async (first, second, wounds, numbers) => {
      const wire = Buffer.from(injure(first.wire + second.wire, wounds), 'latin1');
      const each = Array.from(wire, (_, i) => i);
      const { requests: accepted, ends } = await readRequests(ours, wire, each);
      expect((await readRequests(ours, wire, places(numbers, wire.length))).requests).toEqual(accepted);
      const end = ends.at(-1) ?? 0;
      const whole = forLlhttp(wire.subarray(0, end));
      expect((await readRequests(llhttp, whole, [])).requests).toEqual(accepted);
      const early = await readRequests(llhttp, whole.subarray(0, Math.max(0, end - 1)), []);
      expect(early.requests.length).toBe(Math.max(0, accepted.length - 1));
    }),
    { numRuns: RUNS },
  );
});
