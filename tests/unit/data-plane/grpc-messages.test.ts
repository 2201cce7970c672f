import { expect, it } from 'vitest';
import { countMessages, MessageCounter } from '../../../server/data-plane/http/grpc-messages.ts';

const message = (bytes: number): Buffer => {
  const frame = Buffer.alloc(5 + bytes, 7);
  frame[0] = 0;
  frame.writeUInt32BE(bytes, 1);
  return frame;
};

it.each([1, 2, 3, 5, 7, 1000])('counts messages whose bytes come in pieces of %d', (size) => {
  const all = Buffer.concat([message(0), message(3), message(300), message(0)]);
  const counter = new MessageCounter();
  for (let at = 0; at < all.length; at += size) counter.feed(all.subarray(at, at + size));
  expect(counter.count).toBe(4);
});

it('counts a message from its first byte on, also where it never ends', () => {
  const counter = new MessageCounter();
  counter.feed(message(10).subarray(0, 1));
  expect(counter.count).toBe(1);
  counter.feed(message(10).subarray(1, 8));
  expect(counter.count).toBe(1);
});

it('counts nothing of a host that marks the end of a stream', () => {
  const { requests, responses } = countMessages();
  for (const counter of [requests, responses]) counter.feed(Buffer.from('one'));
  expect([requests.count, responses.count]).toEqual([1, 0]);
});
