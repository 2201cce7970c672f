import { afterEach, describe, expect, it } from 'vitest';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import type { TestServer } from './harness.ts';
import { exchange, RawClient, startServer } from './harness.ts';

let server: TestServer;

afterEach(() => server.close());

const H = 'Host: a\r\n';
const CODEC = 'http1.codec_error';

/** What is sent, the status, the response code details. */
const REFUSALS: readonly (readonly [name: string, text: string, status: number, details: string])[] = [
  ['a bare line feed behind the request line', `GET / HTTP/1.1\n${H}\r\n`, 400, CODEC],
  ['bare line feeds everywhere', 'GET / HTTP/1.1\nHost: a\n\n', 400, CODEC],
  ['a bare line feed behind a header', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n', 400, CODEC],
  [
    'a bare carriage return in a value',
    'GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n',
    400,
    'http1.invalid_characters',
  ],
  ['a NUL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\0c\r\n\r\n', 400, 'http1.invalid_characters'],
  ['a DEL in a value', 'GET / HTTP/1.1\r\nHost: a\r\nX: b\x7f\r\n\r\n', 400, 'http1.invalid_characters'],
  ['a folded header', `GET / HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`, 400, CODEC],
  ['a folded first header', `GET / HTTP/1.1\r\n Host: a\r\n\r\n`, 400, CODEC],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400, CODEC],
  ['a header without a colon', `GET / HTTP/1.1\r\n${H}Broken\r\n\r\n`, 400, CODEC],
  ['a header without a name', `GET / HTTP/1.1\r\n${H}: x\r\n\r\n`, 400, CODEC],
  ['a name with a bad character', `GET / HTTP/1.1\r\n${H}X(: y\r\n\r\n`, 400, CODEC],
  ['an unknown method', `BREW / HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['a lower-case method', `get / HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['two spaces behind the method', `GET  / HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['a space in the target', `GET /a b HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['a byte above 0x7f in the target', `GET /\xe9 HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['HTTP/0.9', 'GET /\r\n\r\n', 426, 'low_version'],
  ['HTTP/1.2', `GET / HTTP/1.2\r\n${H}\r\n`, 426, 'low_version'],
  ['a version that is none', `GET / HTTP/1.1x\r\n${H}\r\n`, 400, CODEC],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, CODEC],
  ['HTTP/1.0, which is not accepted by default', `GET / HTTP/1.0\r\n${H}\r\n`, 426, 'low_version'],
  ['two Hosts', `GET / HTTP/1.1\r\n${H}Host: b\r\n\r\n`, 400, 'http.invalid_authority'],
  ['a Host with a slash', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400, 'http.invalid_authority'],
  ['a target that is neither path nor URL', `GET a HTTP/1.1\r\n${H}\r\n`, 400, 'http1.codec_error'],
  ['a URL without a host', `GET http:///x HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['a target with another scheme', `GET ftp://a/ HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_scheme'],
  ['a target with a port that is none', `GET http://a:b/ HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['a control character in the target', `GET /\x01 HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_characters'],
  ['a NUL in a name', `GET / HTTP/1.1\r\n${H}X\0: a\r\n\r\n`, 400, 'http1.invalid_characters'],
  [
    'a length beside an encoding that is unknown',
    `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nTransfer-Encoding: xchunked\r\n\r\nx`,
    400,
    'http1.content_length_and_chunked_not_allowed',
  ],
  [
    'an empty encoding before chunked',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  ['a target with a user and no host', `GET http://u@/ HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['a target with a port beyond 65535', `GET http://a:65536/ HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['a target whose brackets do not close', `GET http://[::1/ HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['a target whose host has a backslash', `GET http://a\\b/ HTTP/1.1\r\n${H}\r\n`, 400, CODEC],
  ['CONNECT without a port', `CONNECT a HTTP/1.1\r\n${H}\r\n`, 400, 'http1.invalid_url'],
  ['CONNECT with a body', `CONNECT a:1 HTTP/1.1\r\n${H}Content-Length: 1\r\n\r\nx`, 400, 'http1.body_disallowed'],
  [
    'a Connection header that nominates X-Forwarded-For',
    `GET / HTTP/1.1\r\n${H}Connection: x-forwarded-for\r\n\r\n`,
    400,
    'http1.connection_header_rejected',
  ],
];

/** Two parsers could see different messages in these. */
const SMUGGLING: readonly (readonly [name: string, text: string, status: number, details: string])[] = [
  [
    'Content-Length and Transfer-Encoding',
    `POST / HTTP/1.1\r\n${H}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    'http1.content_length_and_chunked_not_allowed',
  ],
  [
    'Transfer-Encoding and Content-Length: 0',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n`,
    400,
    'http1.content_length_and_chunked_not_allowed',
  ],
  [
    'two different Content-Lengths',
    `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`,
    400,
    CODEC,
  ],
  ['two equal Content-Lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, 400, CODEC],
  ['a list of Content-Lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 1, 1\r\n\r\na`, 400, CODEC],
  ['a signed Content-Length', `POST / HTTP/1.1\r\n${H}Content-Length: +1\r\n\r\na`, 400, CODEC],
  ['a negative Content-Length', `POST / HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n`, 400, CODEC],
  ['an empty Content-Length', `POST / HTTP/1.1\r\n${H}Content-Length:\r\n\r\n`, 400, CODEC],
  ['a hexadecimal Content-Length', `POST / HTTP/1.1\r\n${H}Content-Length: 0x1\r\n\r\na`, 400, CODEC],
  ['a Content-Length beyond 2^53', `POST / HTTP/1.1\r\n${H}Content-Length: 99999999999999999999\r\n\r\n`, 400, CODEC],
  [
    'Transfer-Encoding: gzip',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  [
    'Transfer-Encoding: gzip, chunked',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  [
    'Transfer-Encoding: xchunked',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  [
    'chunked twice',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  [
    'a second Transfer-Encoding',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
    501,
    'http1.invalid_transfer_encoding',
  ],
  [
    'a space before the colon of Transfer-Encoding',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    400,
    CODEC,
  ],
  [
    'a vertical tab before chunked',
    `POST / HTTP/1.1\r\n${H}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    400,
    'http1.invalid_characters',
  ],
  [
    'a Connection header that nominates Content-Length',
    `POST / HTTP/1.1\r\n${H}Content-Length: 1\r\nConnection: content-length\r\n\r\na`,
    400,
    'http1.connection_header_rejected',
  ],
];

const CHUNKED = `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\n\r\n`;
const BAD_CHUNKS: readonly (readonly [name: string, body: string])[] = [
  ['that is no number', 'x\r\n'],
  ['that is empty', '\r\n'],
  ['with a prefix 0x', '0x1\r\na\r\n'],
  ['with a sign', '+1\r\na\r\n'],
  ['beyond 2^53', 'ffffffffffffffff\r\n'],
  ['with a space behind it', '1 \r\na\r\n'],
  ['that ends in a bare line feed', '1\na\r\n'],
  ['that ends in a bare carriage return', '1\ra\r\n'],
  ['too small for its data', '1\r\nab\r\n'],
  ['too large for its data', '3\r\na\r\n0\r\n\r\n'],
  ['with a line feed in its extension', '1;a\nb\r\na\r\n'],
];

describe('a server connection refuses', () => {
  it.each([...REFUSALS, ...SMUGGLING])('%s', async (_name, text, status, details) => {
    server = await startServer(({ stream }) => stream.sendHead({ status: 200, headers: new Headers() }, true), {
      serverName: 'envoy',
    });
    const answer = await exchange(server.port, `${text}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer.startsWith(`HTTP/1.1 ${status} `)).toBe(true);
    expect(answer.split('HTTP/1.1 ').length).toBe(2);
    expect(answer).toContain('\r\nserver: envoy\r\nconnection: close\r\n\r\n');
    expect(server.requests).toEqual([]);
    expect(server.errors).toMatchObject([{ status, details, answered: true }]);
  });

  it.each([
    ['a missing Host', 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 'missing_host_header'],
    ['QUERY without a type', `QUERY / HTTP/1.1\r\n${H}Connection: close\r\n\r\n`, 'query_missing_content_type'],
  ])('%s by handing on what to answer, so that it is logged like any other request', async (_name, text, details) => {
    server = await startServer(({ stream }) => stream.sendHead({ status: 400, headers: new Headers() }, true));
    await exchange(server.port, text);
    expect(server.requests[0]!.stream.head.refusal).toEqual({ status: 400, details });
    expect(server.errors).toEqual([]);
  });

  it.each(BAD_CHUNKS)('a chunk size %s', async (_name, body) => {
    server = await startServer(() => undefined);
    const answer = await exchange(server.port, `${CHUNKED}${body}GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\ncontent-length: 11\r\ncontent-type: text\/plain\r\n/);
    expect(server.requests.length).toBe(1);
    expect(server.requests[0]!.resetReason).toEqual({ reason: 'protocol_error', detail: CODEC });
    expect(server.requests[0]!.ended).toBe(false);
  });

  it('a head beyond the size limit, whole or still incomplete', async () => {
    for (const end of ['\r\n\r\n', '']) {
      server = await startServer(() => undefined, { maxHeadBytes: 1000 });
      const answer = await exchange(server.port, `GET / HTTP/1.1\r\n${H}X: ${'y'.repeat(1000)}${end}`);
      expect(answer).toMatch(/^HTTP\/1.1 431 Request Header Fields Too Large\r\n/);
      expect(server.errors[0]?.details).toBe('http1.headers_too_large');
      if (end !== '') await server.close();
    }
  });

  it('more than a hundred header lines', async () => {
    server = await startServer(() => undefined);
    const lines = Array.from({ length: 100 }, (_, i) => `X-${i}: y\r\n`).join('');
    const answer = await exchange(server.port, `GET / HTTP/1.1\r\n${H}${lines}\r\n`);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(server.errors[0]?.details).toBe('http1.too_many_headers');
  });

  it('chunk extensions without end', async () => {
    server = await startServer(() => undefined);
    const answer = await exchange(server.port, `${CHUNKED}1;${'x'.repeat(20_000)}`);
    expect(answer).toMatch(/^HTTP\/1.1 400 /);
  });

  it('trailers beyond the size limit', async () => {
    server = await startServer(() => undefined, { maxHeadBytes: 1000 });
    const answer = await exchange(server.port, `${CHUNKED}0\r\nX: ${'y'.repeat(1100)}`);
    expect(answer).toMatch(/^HTTP\/1.1 431 /);
    expect(server.errors[0]?.details).toBe('http1.headers_too_large');
  });

  it('a broken body by cutting the connection once the response has begun', async () => {
    server = await startServer(({ stream }) => {
      stream.sendHead({ status: 200, headers: new Headers() }, false);
      stream.sendData(Buffer.from('begun'));
    });
    const client = new RawClient(server.port);
    client.write(CHUNKED);
    await client.until((received) => received.includes('begun'));
    client.write('zz\r\n');
    expect(await client.untilClosed()).not.toContain('400');
    expect(server.errors).toMatchObject([{ answered: false, begun: false }]);
  });

  it('nothing when a client leaves in the middle of a head, and tells of it', async () => {
    server = await startServer(() => undefined);
    const client = new RawClient(server.port);
    client.socket.end(`GET / HTTP/1.1\r\nHost`);
    expect(await client.untilClosed()).toBe('');
    await expect
      .poll(() => server.errors)
      .toMatchObject([{ status: 0, begun: true, flag: 'DC', details: 'downstream_remote_disconnect' }]);
  });
});
