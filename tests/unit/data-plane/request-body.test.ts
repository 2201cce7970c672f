import { expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { RequestBody, replayBytesOf } from '../../../server/data-plane/http/router/request-body.ts';

const MEBIBYTE = Buffer.alloc(1024 * 1024);
const head = { method: 'POST', path: '/', authority: 'a', scheme: 'http', headers: new Headers() } as const;

it.each([
  ['HTTP/1.1', 1],
  ['HTTP/2', 16],
] as const)('keeps of a client of %s as many as %i MiB for another try', (protocol, mebibytes) => {
  const body = new RequestBody(true, false, { limit: replayBytesOf({ ...head, protocol }) });
  for (let i = 0; i < mebibytes; i++) expect(body.data(MEBIBYTE)).toBe('more');
  expect(body.replayable).toBe(true);
  body.data(Buffer.from('x'));
  expect(body.replayable).toBe(false);
});

it('holds a client back while no host takes what cannot be sent again', () => {
  const body = new RequestBody(false, false);
  expect([body.data(Buffer.alloc(1000)), body.data(Buffer.alloc(100_000))]).toEqual(['more', 'full']);
});
