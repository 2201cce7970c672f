import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { HopRecord } from '#domain';
import { createSpanExporter, otlpBytes, spansOf } from '#telemetry';
import { systemClock } from '../../../server/system.ts';

const hop = (fields: Partial<HopRecord> = {}): HopRecord => ({
  spanId: '00f067aa0ba902b7',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  parentSpanId: '53995c3f42cd8ad8',
  operation: 'reviews.default.svc.cluster.local:9080/*',
  requestId: 'id-1',
  proxy: { pod: 'productpage-1', namespace: 'default', service: 'productpage', version: 'v1', role: 'sidecar' },
  direction: 'outbound',
  startMs: 1_700_000_000_000.5,
  durationMs: 12.25,
  request: {
    method: 'GET',
    authority: 'reviews:9080',
    path: '/reviews/0',
    protocol: 'HTTP/1.1',
    headers: [],
    bytes: 0,
  },
  response: { status: 503, flags: ['UF'], details: 'x', bytes: 91, headers: [] },
  routeName: 'default',
  cluster: 'outbound|9080||reviews.default.svc.cluster.local',
  upstreamHost: '10.0.0.9:9080',
  attempts: 1,
  mtls: true,
  pushVersion: '1',
  steps: [],
  accessLog: '',
  ...fields,
});

let server: Server | undefined;
afterEach(() => server?.close());

/** A collector that keeps what it is sent. */
async function collector(status = 200) {
  const received: { readonly path: string; readonly body: unknown }[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: JSON.parse(text) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

const exporterTo = (format: 'otlp' | 'zipkin', url: string, log: string[] = []) =>
  createSpanExporter({ format, url, clock: systemClock(), onLog: (line) => log.push(line) });

describe('span exporters', () => {
  it('send OTLP over HTTP with one resource for each service', async () => {
    const { url, received } = await collector();
    const exporter = exporterTo('otlp', url);
    exporter.export(hop());
    exporter.export(
      hop({
        spanId: 'a0f067aa0ba902b7',
        direction: 'inbound',
        response: { ...hop().response, status: 200, flags: [] },
      }),
    );
    await exporter.stop();
    expect(exporter.sent).toBe(2);
    expect(received).toHaveLength(1);
    expect(received[0]?.path).toBe('/v1/traces');
    expect(received[0]?.body).toMatchObject({
      resourceSpans: [
        {
          resource: {
            attributes: [
              { key: 'service.name', value: { stringValue: 'productpage.default' } },
              { key: 'telemetry.sdk.language', value: { stringValue: 'nodejs' } },
              { key: 'telemetry.sdk.name', value: { stringValue: 'meshwork' } },
              { key: 'telemetry.sdk.version', value: { stringValue: '0.1.0' } },
            ],
          },
          scopeSpans: [
            {
              scope: { name: 'meshwork', version: '0.1.0' },
              spans: [
                {
                  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
                  parentSpanId: '53995c3f42cd8ad8',
                  name: 'reviews.default.svc.cluster.local:9080/*',
                  kind: 3,
                  startTimeUnixNano: '1700000000000500000',
                  endTimeUnixNano: '1700000000012750000',
                  status: { code: 2 },
                  // Sampled; the parent is another program's.
                  flags: 0x301,
                  attributes: expect.arrayContaining([{ key: 'error', value: { stringValue: 'true' } }]),
                },
                { kind: 2, status: {} },
              ],
            },
          ],
        },
      ],
    });
  });

  it('send Zipkin v2 in microseconds, with Envoy’s tags', async () => {
    const { url, received } = await collector(202);
    const exporter = exporterTo('zipkin', url);
    exporter.export(hop());
    await exporter.stop();
    expect(received[0]?.path).toBe('/api/v2/spans');
    expect(received[0]?.body).toMatchObject([
      {
        id: '00f067aa0ba902b7',
        parentId: '53995c3f42cd8ad8',
        kind: 'CLIENT',
        timestamp: 1_700_000_000_000_500,
        duration: 12_250,
        localEndpoint: { serviceName: 'productpage.default' },
        tags: { 'http.status_code': '503', response_flags: 'UF', error: 'true', 'guid:x-request-id': 'id-1' },
      },
    ]);
  });

  it('tell a gRPC call by its status, a host without an operation by its name, a cluster by that of its statistics', async () => {
    const { url, received } = await collector(202);
    const exporter = exporterTo('zipkin', url);
    const { operation: _, ...plain } = hop({
      response: { status: 200, flags: [], details: 'via_upstream', bytes: 0, headers: [] },
    });
    const call = (status: string): HopRecord => ({
      ...plain,
      tracing: {
        tags: { 'grpc.path': '/pkg.Reviews/Get', 'grpc.status_code': status },
        maxPathLength: 256,
        scheme: 'http',
        userAgent: 'grpc',
        peerIp: '10.0.0.1',
      },
    });
    for (const status of ['5', '14', '+02', 'abc']) exporter.export(call(status));
    await exporter.stop();
    const sent = received[0]?.body as { name: string; tags: Record<string, string> }[];
    expect(sent.map(({ name, tags }) => [name, tags['grpc.status_code'], tags['error']])).toEqual([
      ['reviews:9080', '5', undefined],
      ['reviews:9080', '14', 'true'],
      ['reviews:9080', '+02', 'true'],
      ['reviews:9080', 'abc', undefined],
    ]);
    const [shown] = spansOf(plain, 'outbound|9080||reviews.default.svc.cluster.local;');
    expect([shown?.name, shown?.tags['upstream_cluster'], shown?.tags['upstream_cluster.name']]).toEqual([
      'egress reviews:9080',
      'outbound|9080||reviews.default.svc.cluster.local',
      'outbound|9080||reviews.default.svc.cluster.local;',
    ]);
  });

  it('make a span of the request and one of each try where calls have spans of their own, and one where nothing was called', async () => {
    const { url, received } = await collector(202);
    const exporter = exporterTo('zipkin', url);
    const tracing = {
      tags: { team: 'web' },
      maxPathLength: 4,
      scheme: 'https',
      userAgent: 'curl',
      peerIp: '10.0.0.7',
      entrySpanId: 'aaaaaaaaaaaaaaaa',
    };
    const call = {
      spanId: '00f067aa0ba902b7',
      host: '10.0.0.9:9080',
      startMs: 1_700_000_000_001,
      durationMs: 2,
      protocol: '-',
      status: 0,
      flags: 'UF',
      reason: 'remote connection failure',
      canceled: false,
      grpcStatus: undefined,
      grpcMessage: undefined,
      tags: { team: 'web' },
      operation: undefined,
      notes: [],
    };
    const tries = [
      call,
      { ...call, spanId: '10f067aa0ba902b7', protocol: 'HTTP/1.1', status: 503, flags: '', reason: '' },
    ];
    exporter.export(hop({ tracing: { ...tracing, tries } }));
    exporter.export(hop({ tracing, attempts: 0, cluster: '', upstreamHost: '' }));
    await exporter.stop();
    const request = {
      id: 'aaaaaaaaaaaaaaaa',
      parentId: '53995c3f42cd8ad8',
      kind: 'SERVER',
      name: 'reviews.default.svc.cluster.local:9080/*',
      tags: { 'http.url': 'https://reviews:9080/rev', 'peer.address': '10.0.0.7', user_agent: 'curl', team: 'web' },
    };
    expect(received[0]?.body).toMatchObject([
      {
        id: '00f067aa0ba902b7',
        parentId: 'aaaaaaaaaaaaaaaa',
        kind: 'CLIENT',
        name: 'router outbound|9080||reviews.default.svc.cluster.local egress',
        timestamp: 1_700_000_000_001_000,
        duration: 2000,
        annotations: [{ timestamp: expect.any(Number), value: 'cr' }],
        tags: {
          upstream_address: '10.0.0.9:9080',
          'peer.address': '10.0.0.9:9080',
          'http.status_code': '0',
          'http.protocol': '-',
          response_flags: 'UF',
          error: 'true',
          'error.reason': 'remote connection failure',
          team: 'web',
        },
      },
      {
        id: '10f067aa0ba902b7',
        parentId: 'aaaaaaaaaaaaaaaa',
        tags: { 'retry.count': '1', 'http.status_code': '503', response_flags: '-', error: 'true' },
      },
      request,
      request,
    ]);
  });

  it('name the cluster of a route of which no host was asked, and a call that broke off behind a good status', () => {
    const answer = { status: 503, flags: ['UH'], details: 'x', bytes: 0, headers: [] };
    const cluster = 'outbound|9080||reviews.default.svc.cluster.local';
    const tagsOf = (given: Partial<HopRecord>) => spansOf(hop(given)).map(({ tags }) => tags);
    expect(tagsOf({ response: answer, upstreamHost: '' })).toMatchObject([{ upstream_cluster: cluster }]);
    expect(tagsOf({ response: { ...answer, flags: ['NC'] }, upstreamHost: '' })[0]).not.toHaveProperty(
      'upstream_cluster',
    );
    const call = { spanId: '00f067aa0ba902b7', host: '10.0.0.9:9080', startMs: 1, durationMs: 2, protocol: 'HTTP/1.1' };
    const broken = { status: 200, flags: '', reason: 'connection termination', canceled: false, tags: {}, notes: [] };
    const ends = { grpcStatus: undefined, grpcMessage: undefined, operation: undefined };
    const tracing = {
      tags: {},
      maxPathLength: 9,
      scheme: 'http',
      userAgent: '',
      peerIp: '',
      entrySpanId: 'a'.repeat(16),
    };
    const [ofCall] = tagsOf({ tracing: { ...tracing, tries: [{ ...call, ...broken, ...ends }] } });
    expect(ofCall).toMatchObject({
      error: 'true',
      'error.reason': 'connection termination',
      'http.status_code': '200',
    });
  });

  it('tell OTLP as events what verbose spans note', async () => {
    const { url, received } = await collector();
    const exporter = exporterTo('otlp', url);
    const notes = [{ atMs: 1_700_000_000_001.5, value: 'first_upstream_tx_byte_sent' }];
    const tracing = { tags: {}, maxPathLength: 256, notes, scheme: 'http', userAgent: '-', peerIp: '' };
    const noted = hop({ tracing });
    exporter.export(noted);
    await exporter.stop();
    const events = [{ timeUnixNano: '1700000000001500000', name: 'first_upstream_tx_byte_sent' }];
    expect(received[0]?.body).toMatchObject({ resourceSpans: [{ scopeSpans: [{ spans: [{ events }] }] }] });
    const bytes = Buffer.from(otlpBytes(spansOf(noted)));
    const time = Buffer.alloc(8);
    time.writeBigUInt64LE(1_700_000_000_001_500_000n);
    // Event (field 11): time_unix_nano, then name.
    const event = Buffer.concat([
      Buffer.of(0x09),
      time,
      Buffer.of(0x12, 27),
      Buffer.from('first_upstream_tx_byte_sent'),
    ]);
    expect(bytes.includes(Buffer.concat([Buffer.of(0x5a, event.length), event]))).toBe(true);
  });

  it('leave out traces that were not sampled', async () => {
    const { url, received } = await collector();
    const exporter = exporterTo('zipkin', url);
    exporter.export(hop({ sampled: false }));
    await exporter.stop();
    expect(received).toEqual([]);
  });

  it('count what a collector refuses, say so once, and go on', async () => {
    const { url } = await collector(500);
    const log: string[] = [];
    const exporter = exporterTo('otlp', url, log);
    exporter.export(hop());
    await exporter.stop();
    exporter.export(hop());
    await exporter.stop();
    expect(exporter.dropped).toBe(2);
    expect(log).toEqual([expect.stringContaining('takes no spans: it answered 500')]);
  });
});
