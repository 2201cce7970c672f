import { describe, expect, it } from 'vitest';
import type { FormatSubject } from '../../../server/data-plane/format/subject.ts';
import { compileFormat } from '../../../server/data-plane/format/template.ts';
import type { Exchange } from '../../../server/data-plane/http/exchange.ts';
import { grpcStats, readGrpcStats } from '../../../server/data-plane/http/filters/grpc-stats.ts';
import { countMessages } from '../../../server/data-plane/http/grpc-messages.ts';
import { Headers } from '../../../server/data-plane/http/headers.ts';
import { Stats } from '../../../server/data-plane/stats/stats.ts';

const headersOf = (fields: Readonly<Record<string, string>>): Headers => {
  const headers = new Headers();
  for (const [name, value] of Object.entries(fields)) headers.put(name, value);
  return headers;
};

interface Call {
  readonly path?: string;
  /** Of the head of the answer, and of its trailers. */
  readonly status?: string;
  readonly trailing?: string;
}

/** Figures of one call with two messages by a filter. */
function figuresOf(config: Record<string, unknown>, { path = '/a.b/c', status, trailing }: Call): object {
  const stats = new Stats();
  const messages = countMessages();
  const afterwards: (() => void)[] = [];
  const named = (given: string | undefined): Headers => headersOf(given === undefined ? {} : { 'grpc-status': given });
  const responseHead = { status: 200, headers: named(status) };
  responseHead.headers.put('content-type', 'application/grpc');
  const exchange = {
    messages,
    head: { path, headers: headersOf({ 'content-type': 'application/grpc' }) },
    info: { cluster: 'shop', bytesSent: 0, times: { requestSent: 1, responseReceived: 4 } },
    runtime: { stats, clusters: new Map([['shop', { stats: { prefix: 'cluster.shop.' } }]]) },
    whenOver: (work: () => void) => afterwards.push(work),
    responseHead,
    ...(trailing !== undefined && { responseTrailers: named(trailing) }),
  } as unknown as Exchange;
  const { decode } = grpcStats(readGrpcStats({ '@type': 'x', ...config }));
  expect(decode?.(exchange)).toBe('next');
  messages.requests.feed(Buffer.alloc(10));
  for (const work of afterwards) work();
  const moved = [...stats.values()].filter(([, value]) => value > 0);
  return Object.fromEntries(moved.map(([name, value]) => [name.replace('cluster.shop.grpc.', ''), value]));
}

describe('the filter that counts gRPC calls', () => {
  it('counts under the cluster alone unless it is told otherwise', () => {
    expect(figuresOf({}, { trailing: '0' })).toEqual({ '0': 1, success: 1, total: 1, request_message_count: 2 });
  });

  it('counts a status as it is written, in headers and in trailers', () => {
    expect(figuresOf({}, { status: 'abc', trailing: '' })).toEqual({
      ...{ abc: 1, '': 1, failure: 2, total: 2 },
      request_message_count: 2,
    });
  });

  it('counts by service and method: all, with or without dots, or those of a list', () => {
    const counted = (of: string): object => ({
      ...{ [`${of}5`]: 1, [`${of}failure`]: 1, [`${of}total`]: 1 },
      [`${of}request_message_count`]: 2,
    });
    const call = { path: '//a.b//c/?d', status: '5' };
    expect(figuresOf({ stats_for_all_methods: true }, call)).toEqual(counted('a.b.c.'));
    const dotless = { stats_for_all_methods: true, replace_dots_in_grpc_service_name: true };
    expect(figuresOf(dotless, call)).toEqual(counted('a_b.c.'));
    const list = (method: string): object => ({
      individual_method_stats_allowlist: { services: [{ name: 'a.b', method_names: [method] }] },
    });
    expect(figuresOf({ ...list('c') }, call)).toEqual(counted('a.b.c.'));
    expect(figuresOf({ ...list('d') }, call)).toEqual(counted(''));
  });

  it('counts no request that names no method', () => {
    expect(figuresOf({}, { path: '/a', status: '0' })).toEqual({});
  });
});

describe('formats of gRPC calls', () => {
  const told = (format: string, fields: object): string =>
    compileFormat(
      format,
      'format',
      '-',
    )({ head: { headers: headersOf({ 'content-type': 'application/grpc' }) }, ...fields } as unknown as FormatSubject);

  it.each([
    ['abc', '-1 -1'],
    ['-1', '-1 -1'],
    ['17', '17 17'],
    ['+2', 'Unknown 2'],
    ['02', 'Unknown 2'],
    ['99999999999999999999999', '-1 -1'],
    ['', 'Unknown 2'],
    ['5', 'NotFound 5'],
  ])('tell the status %j as Envoy reads it', (status, shown) => {
    const responseHead = { status: 200, headers: headersOf({ 'grpc-status': status }) };
    expect(told('%GRPC_STATUS% %GRPC_STATUS_NUMBER%', { responseHead })).toBe(shown);
  });

  it('tell the messages that the filter leaves, once there are some', () => {
    const leftCounts = countMessages();
    const format = '%FILTER_STATE(envoy.filters.http.grpc_stats)% %FILTER_STATE(envoy.filters.http.grpc_stats:PLAIN)%';
    expect(told(format, { leftCounts })).toBe('- -');
    leftCounts.requests.feed(Buffer.alloc(10));
    expect(told(format, { leftCounts })).toBe('{"requestMessageCount":"2"} 2,0');
  });
});
