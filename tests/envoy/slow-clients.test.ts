import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FrameType } from '../../server/data-plane/http/h2/frame.ts';
import { field, frame, uint32 } from './support/frames.ts';
import { readPairs } from './support/pairs/case-file.ts';
import { startTwoProxies, type TwoProxies } from './support/pairs/two-proxies.ts';
import { get, HELLO, leftBy, PREFACE, requestBlock, type Script } from './support/raw-http2.ts';

const FIRST_PORT = 20_000;
const ROUTES = `
routes:
  - { match: { prefix: /patient }, route: { cluster: one, idle_timeout: 1s } }
  - { match: { prefix: /direct }, direct_response: { status: 200, body: { inline_string: hello } } }
  - { match: { prefix: / }, route: { cluster: one } }
clusters:
  one: { hosts: [one] }
  silent: { hosts: [silent] }
requests: []
`;
const INSPECTOR = 'type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector';
const CASES = readPairs(
  'slow',
  [
    'name: limited\nhttp: { request_headers_timeout: 0.3s, stream_idle_timeout: 0.5s }',
    'name: silent\nhttp: { stream_idle_timeout: 0.3s }',
    'name: whole\nhttp: { request_timeout: 0.3s }',
    'name: brief\nhttp: { common_http_protocol_options: { max_stream_duration: 0.3s } }',
    'name: aged\nhttp: { drain_timeout: 0.6s, common_http_protocol_options: { max_connection_duration: 0.3s } }',
    'name: counted\nhttp: { drain_timeout: 0.6s, common_http_protocol_options: { max_requests_per_connection: 2 } }',
    'name: early\n',
    'name: pinged\nhttp: { http2_protocol_options: { max_concurrent_streams: 2, connection_keepalive: { interval: 0.3s, timeout: 0.2s } } }',
    `name: inspected\nlistener: { listener_filters: [{ name: envoy.filters.listener.http_inspector, typed_config: { '@type': ${INSPECTOR} } }] }`,
  ]
    .map((head) => head + ROUTES)
    .join('---\n'),
);
const LATE_MS = 1000;
const NEAR_MS = 300;
/** A connection that is over is left to its client for a second. */
const PAST_DELAY_MS = 1500;
const UNLIKE =
  /goaway_sent|nghttp2|cx_destroy|bytes|_ms$|length|worker_|admin|buckets|upstream_cx|upstream_rq|async|codec|rq_time/;

const says =
  (...parts: readonly (Buffer | number)[]): Script =>
  async (socket: Socket) => {
    for (const part of parts) {
      if (typeof part === 'number') await pause(part);
      else socket.write(part);
    }
  };

/** The client takes so many bytes of each answer. */
const window = (bytes: number): Buffer =>
  Buffer.concat([PREFACE, frame(FrameType.SETTINGS, 0, 0, Buffer.concat([Buffer.from([0, 4]), uint32(bytes)]))]);
const grant = (streamId: number, bytes: number): Buffer => frame(FrameType.WINDOW_UPDATE, 0, streamId, uint32(bytes));
const BLOCK = requestBlock('/direct');
const half = (streamId: number): Buffer => frame(FrameType.HEADERS, 1, streamId, BLOCK.subarray(0, 20));
const rest = (streamId: number): Buffer => frame(FrameType.CONTINUATION, 4, streamId, BLOCK.subarray(20));
const WHOLE = get(1, '/direct');

const LIMITED: Readonly<Record<string, Script>> = {
  'a header block that does not end': says(HELLO, half(1), LATE_MS),
  'a header block that ends in time': says(HELLO, half(1), 100, rest(1), LATE_MS),
  'a header block that ends too late': says(HELLO, half(1), LATE_MS, rest(1), NEAR_MS, get(3, '/direct'), NEAR_MS),
  'a HEADERS frame that does not end': says(HELLO, WHOLE.subarray(0, 30), LATE_MS),
  'the head of a HEADERS frame': says(HELLO, WHOLE.subarray(0, 9), LATE_MS),
  'half of the head of a HEADERS frame': says(HELLO, WHOLE.subarray(0, 5), LATE_MS),
  'a second request whose block does not end': says(HELLO, WHOLE, 100, half(3), LATE_MS),
  'a client that takes nothing of its answer': says(window(0), WHOLE, LATE_MS),
  'a client that takes a part of its answer': says(window(3), WHOLE, LATE_MS),
  'a client that takes its answer late': says(window(0), WHOLE, NEAR_MS, grant(1, 5), NEAR_MS),
  'a client that takes a byte now and then': says(
    window(0),
    WHOLE,
    NEAR_MS,
    grant(1, 1),
    NEAR_MS,
    grant(1, 1),
    NEAR_MS,
    grant(1, 1),
    LATE_MS,
  ),
  "a client that takes nothing of a host's answer": says(window(0), get(1, '/echo'), LATE_MS),
  'a client for whom the route has patience': says(window(0), get(1, '/patient'), 1500),
};

const PONG = frame(FrameType.PING, 1, 0, Buffer.alloc(8));
const get1 = (path: string): Buffer => Buffer.from(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
const waiting = (ms: number): Buffer =>
  frame(FrameType.HEADERS, 5, 1, Buffer.concat([requestBlock('/echo'), field('x-echo-delay-ms', String(ms))]));
/** It has taken the settings of its peer. */
const KNOWING = Buffer.concat([HELLO, frame(FrameType.SETTINGS, 1, 0)]);
const echo = (streamId: number): Buffer => get(streamId, '/echo');
const HALF_HEADS: Readonly<Record<string, Script>> = {
  'a header block that does not end': says(HELLO, half(1), LATE_MS),
  'a head of HTTP/1.1 that does not end': says(Buffer.from('GET / HT'), LATE_MS),
};

const POST = frame(FrameType.HEADERS, 4, 1, requestBlock('/direct', 'POST'));
const part = (flags: number): Buffer => frame(FrameType.DATA, flags, 1, Buffer.from('part'));
const TRAILERS = frame(FrameType.HEADERS, 5, 1, field('x-trailer', 'y'));
const HALF_POST = 'POST /direct HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\npart';
/** Requests that are answered before their body. */
const EARLY: Readonly<Record<string, Script>> = {
  'a body that comes with its head': says(Buffer.concat([HELLO, POST, part(0), part(1)]), NEAR_MS),
  'a body and trailers that come with its head': says(Buffer.concat([HELLO, POST, part(0), TRAILERS]), NEAR_MS),
  'a body that goes on': says(Buffer.concat([HELLO, POST, part(0)]), NEAR_MS, part(1), NEAR_MS),
  'a body of HTTP/1.1 that does not go on': says(Buffer.from(HALF_POST), PAST_DELAY_MS),
  'a body of HTTP/1.1 that goes on': says(Buffer.from(HALF_POST), NEAR_MS, Buffer.from('part'), PAST_DELAY_MS),
  'a body that comes later': says(Buffer.concat([HELLO, POST]), NEAR_MS, part(1), NEAR_MS),
  'a body that comes with its head, but for its end': says(
    Buffer.concat([HELLO, POST, part(0), get(3, '/direct')]),
    NEAR_MS,
  ),
};

const scripts: Readonly<Record<string, Readonly<Record<string, Script>>>> = {
  limited: LIMITED,
  early: EARLY,
  silent: HALF_HEADS,
  whole: {
    ...HALF_HEADS,
    'a preface in two parts, the first of which tells the version': says(
      HELLO.subarray(0, 12),
      50,
      HELLO.subarray(12),
      50,
      WHOLE,
      NEAR_MS,
    ),
    'a preface and its end': says(HELLO.subarray(0, 20), 50, HELLO.subarray(20), 50, WHOLE, NEAR_MS),
  },
  brief: HALF_HEADS,
  aged: {
    'no request': says(HELLO, LATE_MS),
    'a request before and one after': says(HELLO, WHOLE, 450, get(3, '/direct'), LATE_MS),
    'a request under way': says(HELLO, waiting(450), LATE_MS),
    'a request under way, and one after its connection was told to go': says(
      HELLO,
      waiting(600),
      450,
      get(3, '/direct'),
      LATE_MS,
    ),
    'the same for a client that answers PINGs': says(HELLO, waiting(600), 400, PONG, 50, get(3, '/direct'), LATE_MS),
    'a request after the last of those that are taken': says(HELLO, waiting(1200), 1050, get(3, '/direct'), LATE_MS),
    'HTTP/1.1, a request before and one after': says(get1('/direct'), 450, get1('/direct'), PAST_DELAY_MS),
    'HTTP/1.1, one request after another': says(
      get1('/direct'),
      100,
      get1('/direct'),
      500,
      get1('/direct'),
      PAST_DELAY_MS,
    ),
  },
  counted: {
    'three requests one after the other': says(HELLO, WHOLE, 100, get(3, '/direct'), 100, get(5, '/direct'), LATE_MS),
    'four requests at once': says(
      Buffer.concat([HELLO, WHOLE, get(3, '/direct'), get(5, '/direct'), get(7, '/direct')]),
      LATE_MS,
    ),
    'one more while the last but one is under way': says(
      HELLO,
      waiting(500),
      50,
      get(3, '/direct'),
      50,
      get(5, '/direct'),
      1200,
    ),
    'three requests of HTTP/1.1': says(get1('/direct'), 100, get1('/direct'), 100, get1('/direct'), PAST_DELAY_MS),
  },
  pinged: {
    'a client that does not answer a PING': says(HELLO, waiting(900), LATE_MS),
    'as many requests as it may have under way': says(KNOWING, waiting(100), echo(3), NEAR_MS),
  },
  inspected: {
    'a preface in two parts': says(HELLO.subarray(0, 10), 100, HELLO.subarray(10), 50, WHOLE, NEAR_MS),
    'a preface and its end': says(HELLO.subarray(0, 20), 100, HELLO.subarray(20), 50, WHOLE, NEAR_MS),
    'half a preface': says(HELLO.subarray(0, 10), LATE_MS),
  },
};
const rows = Object.entries(scripts).flatMap(([served, each]) =>
  Object.entries(each).map(([name, script]) => [served, name, script] as const),
);

describe('a client that is slow, or asks once more', () => {
  let two: TwoProxies;
  beforeAll(async () => {
    two = await startTwoProxies(CASES);
  });
  afterAll(() => two?.stop());

  it.each(rows)('leaves the same behind as at Envoy (%s): %s', async (served, _name, script) => {
    const port = FIRST_PORT + CASES.findIndex((each) => each.name === `slow-${served}`);
    // Where a client has said that it goes, ours goes at once.
    const hearsBreaks = served === 'early';
    const [envoy, ours] = await Promise.all(
      [two.envoy, two.ours].map((side) => leftBy(script, { side, port, unlike: UNLIKE, hearsBreaks })),
    );
    expect(ours).toEqual(envoy);
  });

  it('serves a preface that comes in two parts, which Envoy without an inspector reads as HTTP/1.1', async () => {
    const script = says(HELLO.subarray(0, 10), 50, HELLO.subarray(10), 50, WHOLE, NEAR_MS);
    const port = FIRST_PORT + CASES.findIndex((each) => each.name === 'slow-whole');
    const [envoy, ours] = await Promise.all(
      [two.envoy, two.ours].map((side) => leftBy(script, { side, port, unlike: UNLIKE })),
    );
    expect(envoy?.told).toEqual(['400 close']);
    expect(ours?.told).toContain('1: end');
  });
});
