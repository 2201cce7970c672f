import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../server/data-plane/http/h2/frame.ts';
import { field, frame, uint32 } from './support/frames.ts';
import { readPairs } from './support/pairs/case-file.ts';
import { changes } from './support/pairs/figures.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { type ScriptedHost, type Step, startScriptedHost } from './support/scripted-host.ts';
import { waitFor } from './support/wait.ts';

const LATE_MS = 5000;
/** Whoever is told goodbye, the rows about GOAWAY; the library is Envoy's own; and what pairs do not compare either. */
const UNLIKE = /goaway_sent|nghttp2|upstream_rq_pending_failure_eject|membership|update_|\.http2\.header_/;
const ACTIVE = /(_cx|_rq|_rq_pending)_active$|streams_active$/;

const at = (port: number): string =>
  `load_assignment: { cluster_name: bad, endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: ${port} } } } }] }] }`;
const HTTP2 = `typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: {} }`;
const ONCE = `${HTTP2}
        common_http_protocol_options: { max_requests_per_connection: 1 }`;

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const CHUNKS = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';
const many = (count: number, one: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => one(index)).join('');

const http1: Readonly<Record<string, readonly Step[]>> = {
  'bytes that are no HTTP, and no end of a line': [Buffer.from('000000040000000000', 'hex')],
  'a reset before it answers': ['RST'],
  'a reset inside the status line': ['HTTP/1.1 2', 60, 'RST'],
  'a reset inside the head': ['HTTP/1.1 200 OK\r\nfoo: b', 60, 'RST'],
  'a reset in a body of known length': ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok', 60, 'RST'],
  'a reset in a body that ends with the connection': ['HTTP/1.1 200 OK\r\n\r\nok', 60, 'RST'],
  'a reset inside a chunk': [`${CHUNKS}5\r\nok`, 60, 'RST'],
  'a chunk that is none in one piece with a good one': [`${CHUNKS}2\r\nok\r\nzz\r\n`],
  'an end inside a chunk': [`${CHUNKS}5\r\nok`, 60, 'FIN'],
  'an end before the last chunk': [`${CHUNKS}2\r\nok\r\n`, 60, 'FIN'],
  'an end inside the trailers': [`${CHUNKS}2\r\nok\r\n0\r\nfoo`, 60, 'FIN'],
  'a chunk that is none behind a good one': [`${CHUNKS}2\r\nok\r\n`, 60, 'zz\r\n'],
  'a hundred early hints': [many(100, () => 'HTTP/1.1 103 Early Hints\r\n\r\n') + OK],
  'an early hint and then its end': ['HTTP/1.1 103 Early Hints\r\n\r\n', 60, 'FIN'],
  'a head of 79 KiB': [`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(79 * 1024)}\r\ncontent-length: 2\r\n\r\nok`],
  'a head of 83 KiB': [`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(83 * 1024)}\r\ncontent-length: 2\r\n\r\nok`],
  'a hundred and one headers': [`HTTP/1.1 200 OK\r\n${many(101, (i) => `x${i}: a\r\n`)}\r\n`],
  'a status beyond 599': ['HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n'],
  'two answers': [OK + OK],
};

const SETTINGS = frame(FrameType.SETTINGS, 0, 0);
const headers = (fields: Readonly<Record<string, string>>, flags = 4): Buffer =>
  frame(FrameType.HEADERS, flags, 1, Buffer.concat(Object.entries(fields).map(([name, value]) => field(name, value))));
const data = (text: string, flags = 1): Buffer => frame(FrameType.DATA, flags, 1, Buffer.from(text));
const reset = (code: number): Buffer => frame(FrameType.RST_STREAM, 0, 1, uint32(code));
const goaway = (last: number, code = 0): Buffer =>
  frame(FrameType.GOAWAY, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
const HEAD = headers({ ':status': '200', 'content-length': '2' });
const ANSWER = Buffer.concat([HEAD, data('ok')]);
const setting = (identifier: number, value: number): Buffer =>
  frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, identifier]), uint32(value)]));
const withHeaders = (count: number): Buffer =>
  frame(
    FrameType.HEADERS,
    5,
    1,
    Buffer.concat([field(':status', '200'), ...Array.from({ length: count }, (_, i) => field(`x${i}`, 'y'))]),
  );

const http2: Readonly<Record<string, readonly Step[]>> = {
  ...Object.fromEntries([0, 1, 2, 7, 8, 11, 13].map((code) => [`RST_STREAM ${code}`, [reset(code)]])),
  'RST_STREAM 1 behind its head': [HEAD, 60, reset(1)],
  'RST_STREAM 8 behind its head': [HEAD, 60, reset(8)],
  'GOAWAY that leaves the stream to it': [goaway(1), 60, ANSWER],
  'GOAWAY in two steps': [goaway(0x7fff_ffff), 30, goaway(1), 30, ANSWER],
  'GOAWAY that takes more than an earlier one': [goaway(1), goaway(3), 30, ANSWER],
  'GOAWAY before its answer, in one piece': [Buffer.concat([goaway(1), ANSWER])],
  'GOAWAY before its answer without a body, in one piece': [
    Buffer.concat([goaway(1), headers({ ':status': '204' }, 5)]),
  ],
  'GOAWAY between head and body, in one piece': [Buffer.concat([HEAD, goaway(1), data('ok')])],
  'GOAWAY before its answer with trailers, in one piece': [
    Buffer.concat([goaway(1), HEAD, data('ok', 0), headers({ x: 'y' }, 5)]),
  ],
  'GOAWAY before an answer with something behind it, in one piece': [
    Buffer.concat([goaway(1), ANSWER, frame(FrameType.PING, 0, 0, Buffer.alloc(8))]),
  ],
  'GOAWAY behind its answer, in one piece': [Buffer.concat([ANSWER, goaway(1)])],
  'GOAWAY twice around its answer, in one piece': [Buffer.concat([goaway(0x7fff_ffff), ANSWER, goaway(1)])],
  'GOAWAY with its end before the answer': [goaway(1), 30, 'FIN'],
  'GOAWAY and its end at once': [goaway(1), 'FIN'],
  'GOAWAY behind the answer, and its end at once': [Buffer.concat([ANSWER, goaway(1)]), 'FIN'],
  'GOAWAY before the answer, and its end at once': [Buffer.concat([goaway(1), ANSWER]), 'FIN'],
  'GOAWAY of an error that leaves the stream to it': [goaway(1, 2), 30, ANSWER],
  'GOAWAY of an error before its answer, in one piece': [Buffer.concat([goaway(1, 11), ANSWER])],
  'GOAWAY of an error behind its answer, in one piece': [Buffer.concat([ANSWER, goaway(1, 1)])],
  'GOAWAY of an error that refuses the stream': [goaway(0, 11)],
  'GOAWAY before a reset, in one piece': [Buffer.concat([goaway(1), reset(8)])],
  'GOAWAY long before a reset': [goaway(1), 40, reset(8)],
  'GOAWAY behind a reset, in one piece': [Buffer.concat([reset(8), goaway(1)])],
  'GOAWAY of an error before a reset, in one piece': [Buffer.concat([goaway(1, 2), reset(8)])],
  'GOAWAY before a reset behind a head, in one piece': [Buffer.concat([HEAD, goaway(1), reset(8)])],
  'GOAWAY before a head with a reset behind it, in one piece': [Buffer.concat([goaway(1), HEAD, reset(8)])],
  'GOAWAY long before a head with a reset behind it': [goaway(1), 40, HEAD, 40, reset(8)],
  'GOAWAY before a reset without an error, in one piece': [Buffer.concat([goaway(1), reset(0)])],
  'GOAWAY before a reset that refuses, in one piece': [Buffer.concat([goaway(1), reset(7)])],
  'a reset behind a ping, in one piece': [Buffer.concat([frame(FrameType.PING, 0, 0, Buffer.alloc(8)), reset(8)])],
  'a reset before a ping, in one piece': [Buffer.concat([reset(8), frame(FrameType.PING, 0, 0, Buffer.alloc(8))])],
  'GOAWAY that refuses the stream, with an answer behind it': [Buffer.concat([goaway(0), ANSWER])],
  'GOAWAY that refuses the stream': [goaway(0)],
  'GOAWAY without all of its bytes': [frame(FrameType.GOAWAY, 0, 0, uint32(0))],
  'SETTINGS that enable push': [setting(2, 1), ANSWER],
  'SETTINGS of a window that is too large': [setting(4, 0x8000_0000)],
  'SETTINGS of frames that are too small': [setting(5, 100)],
  'a frame that is too large': [frame(FrameType.DATA, 0, 1, Buffer.alloc(20_000)), ANSWER],
  'a window that grows too large': [frame(FrameType.WINDOW_UPDATE, 0, 0, uint32(0x7fff_ffff)), ANSWER],
  'DATA for a stream that never was': [frame(FrameType.DATA, 1, 101, Buffer.from('x')), ANSWER],
  'DATA behind the end': [ANSWER, data('more')],
  'DATA before the head': [data('x')],
  'a head without a status': [headers({ x: 'y' }, 5)],
  'a status that is no number': [headers({ ':status': 'abc' }, 5)],
  'a status beyond 599': [headers({ ':status': '600' }, 5)],
  'a header of one connection': [headers({ ':status': '200', 'transfer-encoding': 'chunked' }, 5)],
  'a line end in a value': [headers({ ':status': '200', 'x-a': 'a\r\nx-b: c' }, 5)],
  'a capital in a name': [headers({ ':status': '200', 'X-A': 'b' }, 5)],
  'more than its content-length': [headers({ ':status': '200', 'content-length': '1' }), data('ok')],
  'less than its content-length': [headers({ ':status': '200', 'content-length': '9' }), data('ok')],
  ...Object.fromEntries(
    Object.entries({ reset: reset(8), goaway: goaway(1), ping: frame(FrameType.PING, 0, 0, Buffer.alloc(7)) }).map(
      ([name, bytes]) => [
        `less than its content-length with a ${name} behind it, in one piece`,
        [Buffer.concat([headers({ ':status': '200', 'content-length': '9' }), data('ok'), bytes])],
      ],
    ),
  ),
  'a stream that depends on itself': [
    Buffer.concat([frame(FrameType.PRIORITY, 0, 1, Buffer.from([0, 0, 0, 1, 5])), ANSWER]),
  ],
  'more padding than DATA has, behind the end': [
    Buffer.concat([ANSWER, frame(FrameType.DATA, 8, 1, Buffer.from([200, 1]))]),
  ],
  'a body behind 204': [headers({ ':status': '204' }), data('ok')],
  'trailers with a pseudo-header': [HEAD, data('ok', 0), headers({ ':status': '200' }, 5)],
  'trailers with a content-length': [HEAD, data('ok', 0), headers({ 'content-length': '2' }, 5)],
  'trailers that do not end it': [HEAD, data('ok', 0), headers({ x: 'y' })],
  'a hundred words before the answer': [
    Buffer.concat([...Array.from({ length: 100 }, () => headers({ ':status': '103' })), ANSWER]),
  ],
  'a word that ends the stream': [headers({ ':status': '103' }, 5)],
  'ninety-nine headers': [withHeaders(99)],
  'a hundred headers': [withHeaders(100)],
  'a header block in 21 frames': [
    Buffer.concat([
      frame(FrameType.HEADERS, 1, 1, field(':status', '200')),
      ...Array.from({ length: 20 }, (_, i) => frame(FrameType.CONTINUATION, i === 19 ? 4 : 0, 1, field('a', 'b'))),
    ]),
  ],
  'a block that names no entry': [frame(FrameType.HEADERS, 5, 1, Buffer.from([0xff, 0xff, 0xff, 0x7f]))],
};

/** What a host says before the request is whole. */
const early: Readonly<Record<string, readonly Step[]>> = {
  'an early answer': [ANSWER],
  'an early answer and a reset behind it': [Buffer.concat([ANSWER, reset(0)])],
  'an early answer, GOAWAY before it': [Buffer.concat([goaway(1), ANSWER])],
  'an early answer, GOAWAY behind it': [Buffer.concat([ANSWER, goaway(1)])],
  'an early answer without a body, GOAWAY before it': [Buffer.concat([goaway(1), headers({ ':status': '204' }, 5)])],
  'an early answer without a body, GOAWAY behind it': [Buffer.concat([headers({ ':status': '204' }, 5), goaway(1)])],
  'an early answer, GOAWAY between head and body': [Buffer.concat([HEAD, goaway(1), data('ok')])],
  'an early answer, GOAWAY of an error before it': [Buffer.concat([goaway(1, 11), ANSWER])],
  'an early answer, GOAWAY of an error behind it': [Buffer.concat([ANSWER, goaway(1, 11)])],
  'an early answer, GOAWAY long before it': [goaway(1), 40, ANSWER],
  'an early answer, GOAWAY and a reset behind it': [Buffer.concat([ANSWER, goaway(1), reset(0)])],
  'an early answer, GOAWAY before and a reset behind it': [Buffer.concat([goaway(1), ANSWER, reset(0)])],
  'an early answer, GOAWAY behind it and the end': [Buffer.concat([ANSWER, goaway(1)]), 'FIN'],
  'an early answer with trailers, GOAWAY before it': [
    Buffer.concat([goaway(1), HEAD, data('ok', 0), headers({ x: 'y' }, 5)]),
  ],
};

const GET = 'GET /asked HTTP/1.1\r\nhost: a\r\nuser-agent: bad\r\n\r\n';
const PART = 'POST /asked HTTP/1.1\r\nhost: a\r\nuser-agent: bad\r\ncontent-length: 9\r\n\r\nabc';

const KINDS = [
  ['HTTP/1.1', 20_000, http1, GET],
  ['HTTP/2', 20_001, http2, GET],
  ['HTTP/2 before it was asked all', 20_001, early, PART],
  ['HTTP/2 that is asked once', 20_002, { ...http2, ...early }, GET],
  ['HTTP/2 that is asked once, before it was asked all', 20_002, early, PART],
] as const;

describe.each(KINDS)('a host that speaks bad %s', (kind, port, scripts, request) => {
  let two: TwoProxies;
  let host: ScriptedHost;
  beforeAll(async () => {
    const isHttp2 = kind !== 'HTTP/1.1';
    host = await startScriptedHost(
      (bytes) => (isHttp2 ? bytes.includes(Buffer.from('/asked')) || bytes.length > 150 : bytes.includes('\r\n\r\n')),
      isHttp2 ? SETTINGS : undefined,
    );
    const route = 'routes: [{ match: { prefix: / }, route: { cluster: bad } }]\nrequests: []';
    const cluster = (extra: string): string => `clusters:\n  bad:\n    ${at(host.port)}\n    ${extra}`;
    two = await startTwoProxies(
      readPairs(
        'bad',
        `name: h1\n${route}\n${cluster('')}\n---\nname: h2\n${route}\n${cluster(HTTP2)}\n---\nname: once\n${route}\n${cluster(ONCE)}\n`,
      ),
    );
  });
  afterAll(async () => {
    await two?.stop();
    await host?.stop();
  });

  const figures = (side: TwoProxies['ours']) => side.figures(/^(cluster|http)\.bad/);

  /** What a client gets, what the log and the figures tell, once nothing of the request is left. */
  async function seenAt(side: TwoProxies['ours'], script: readonly Step[]): Promise<object> {
    host.script = script;
    const before = await figures(side);
    const lines = side.logLines().length;
    let text = '';
    const socket = connect({ host: side.ip, port, localAddress: side.ip }, () => socket.write(request));
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', () => undefined);
    const log = await waitFor('a line of the log', LATE_MS, () =>
      side
        .logLines()
        .slice(lines)
        .find((line) => line.startsWith('{')),
    );
    const { status, flags, details, bytesSent } = JSON.parse(log) as Record<string, unknown>;
    const body = await waitFor('the answer that the log tells of', LATE_MS, () => {
      const end = text.lastIndexOf('\r\n\r\n', text.length - 1 - Number(bytesSent));
      return end < 0 ? undefined : text.slice(text.indexOf('\r\n\r\n') + 4).slice(0, 200);
    });
    socket.destroy();
    host.hangUp();
    const after = await waitFor('nothing to be under way', LATE_MS, async () => {
      const now = await figures(side);
      return [...now].some(([name, value]) => ACTIVE.test(name) && value > 0) ? undefined : now;
    });
    const grown = Object.entries(changes(before, after)).filter(([name]) => !UNLIKE.test(name));
    return { client: /^HTTP\/1\.1 \d+/.exec(text)?.[0], body, log: { status, flags, details, bytesSent }, grown };
  }

  it.each(Object.entries(scripts))('is seen as at Envoy: %s', async (_name, script) => {
    const envoy = await seenAt(two.envoy, script);
    expect(await seenAt(two.ours, script)).toEqual(envoy);
  });
});
