import { beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '#xds';
import { type HttpCheck, readHealthCheck } from '../../../server/data-plane/config/health-check-config.ts';
import type { HostPool, RequestHead, ResetReason, ResponseSink } from '../../../server/data-plane/http/codec.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { HttpProbe } from '../../../server/data-plane/upstream/health-check/http-probe.ts';
import { createFakeClock } from './fake-clock.ts';

let asked: RequestHead[];
let violations = 0;
let closed = 0;

/** Meets each request at once, as the test says. */
const poolThat = (meets: (sink: ResponseSink) => void): HostPool =>
  ({
    newStream(sink, waiter) {
      waiter.ready({ sendHead: (head: RequestHead) => void asked.push(head) } as never);
      meets(sink);
    },
    close: () => void closed++,
  }) as HostPool;

const answers = (sink: ResponseSink): void =>
  sink.head({ status: 200, headers: new Headers(), protocol: 'HTTP/2' } as never, true);

function run(fields: object, meets: (sink: ResponseSink) => void, reuse = true): boolean | undefined {
  const policy = readHealthCheck({
    name: 'a',
    health_checks: [
      {
        timeout: '1s',
        interval: '1s',
        unhealthy_threshold: 1,
        healthy_threshold: 1,
        http_health_check: { path: '/healthz', ...fields },
      },
    ],
  } as unknown as Cluster);
  let healthy: boolean | undefined;
  new HttpProbe({
    check: policy!.probe as HttpCheck,
    authority: 'check.test',
    scheme: 'http',
    timeoutMs: 1000,
    clock: createFakeClock(),
    reuse,
    createPool: () => poolThat(meets),
    onVerifyCluster: () => undefined,
    onViolation: () => void violations++,
  }).run((result) => {
    healthy = result.healthy;
  });
  return healthy;
}

beforeEach(() => {
  asked = [];
  violations = 0;
  closed = 0;
});

describe('the request of a health check', () => {
  it('has headers whose formats know its protocol, and nothing of the request itself', () => {
    const formats = {
      'x-protocol': '%PROTOCOL%',
      'x-path': '%REQ(:PATH)%',
      'x-both': '%PROTOCOL%|%REQ(:AUTHORITY)%|%REQ(USER-AGENT)%',
    };
    const added = Object.entries(formats).map(([key, value]) => ({ header: { key, value } }));
    run({ request_headers_to_add: added, codec_client_type: 'HTTP2' }, answers);
    const { headers } = asked[0]!;
    expect([headers.get('x-protocol'), headers.get('x-path'), headers.get('x-both')]).toEqual([
      'HTTP/2',
      undefined,
      'HTTP/2||',
    ]);
  });
});

describe('a connection that no further check is to use', () => {
  it.each<[string, object, (sink: ResponseSink) => void, number]>([
    ['an answer over HTTP/2', { codec_client_type: 'HTTP2' }, answers, 1],
    ['a stream of HTTP/2 that the host resets', { codec_client_type: 'HTTP2' }, resets('remote_reset'), 1],
    ['a connection that the host ends', { codec_client_type: 'HTTP2' }, resets('connection_termination'), 0],
    ['an answer over HTTP/1.1', {}, answers, 0],
  ])('is closed after %s, and counted as one that broke the rules as in Envoy', (_what, fields, meets, counted) => {
    run(fields, meets, false);
    expect([closed, violations]).toEqual([1, counted]);
  });

  it('is one of a check that says so: others keep theirs', () => {
    expect(run({ codec_client_type: 'HTTP2' }, answers)).toBe(true);
    expect([closed, violations]).toEqual([0, 0]);
  });
});

function resets(reason: ResetReason): (sink: ResponseSink) => void {
  return (sink) => sink.reset(reason, '');
}
