import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionTypes, type Listener, typeUrls } from '#xds';
import { gatewayListener, router, spokenHttp2, staticCluster } from './data-plane-config.ts';
import { createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { type LogReceiver, startLogReceiver } from './log-receiver.ts';
import { NET } from './own-network.ts';

const GATEWAY = `${NET}.1.1`;
const COLLECTOR = `${NET}.2.1`;
const APPLICATION = `${NET}.2.2`;
const OTLP_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';

const type = (name: string): string => `type.googleapis.com/envoy.config.trace.v3.${name}`;
const uri = (path: string, cluster: string): object => ({ uri: `http://collector${path}`, cluster, timeout: '2s' });

/** A listener for each way to send. */
const PROVIDERS = {
  zipkin: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      trace_id_128bit: true,
      collector_endpoint_version: 'HTTP_JSON',
      collector_service: {
        http_uri: uri('/api/v2/spans', 'collector'),
        request_headers_to_add: [{ header: { key: 'X-Key', value: 'k' } }],
      },
    },
  },
  'otlp over http': {
    name: 'envoy.tracers.opentelemetry',
    typed_config: {
      '@type': type('OpenTelemetryConfig'),
      http_service: { http_uri: uri('/v1/traces', 'collector') },
    },
  },
  'otlp over grpc': {
    name: 'envoy.tracers.opentelemetry',
    typed_config: {
      '@type': type('OpenTelemetryConfig'),
      grpc_service: { envoy_grpc: { cluster_name: 'collector-grpc', authority: 'otel.example' } },
    },
  },
  tries: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      trace_id_128bit: true,
      collector_endpoint_version: 'HTTP_JSON',
      collector_service: { http_uri: uri('/tries', 'collector') },
    },
  },
  nobody: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      collector_endpoint_version: 'HTTP_JSON',
      collector_service: { http_uri: uri('/api/v2/spans', 'nobody-there') },
    },
  },
} as const;

/** Tries of calls have spans of their own. */
const TRIES = {
  route: {
    route: {
      cluster: 'application',
      retry_policy: { retry_on: '5xx', num_retries: 1, per_try_timeout: '5s' },
    },
  },
  spawn_upstream_span: true,
};

const ports = Object.fromEntries(Object.keys(PROVIDERS).map((name, i) => [name, 9001 + i])) as Record<
  keyof typeof PROVIDERS,
  number
>;

const listenerOf = ([name, provider]: [string, object]): Listener =>
  gatewayListener(
    name,
    { ip: GATEWAY, port: ports[name as keyof typeof PROVIDERS] },
    {
      stat_prefix: 'shop',
      tracing: {
        random_sampling: { value: 100 },
        provider,
        ...(name === 'tries' && { spawn_upstream_span: TRIES.spawn_upstream_span }),
      },
      http_filters: [router],
      route: name === 'tries' ? TRIES.route : { decorator: { operation: 'shop.default:80/*' } },
    },
  );

interface Report {
  readonly path: string;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

describe('spans of a proxy', () => {
  const servers: Server[] = [];
  const reports: Report[] = [];
  const asked: IncomingHttpHeaders[] = [];
  let grpc: Http2Server;
  let pod: Pod;

  /** Envoy sends when five spans wait. */
  const sendFive = async (name: keyof typeof PROVIDERS): Promise<string[]> => {
    const traces = Array.from(
      { length: 5 },
      (_, i) => `${String(i + 1).padStart(2, '0')}f92f3577b34da6a3ce929d0e0e4736`,
    );
    for (const trace of traces)
      await sendFrom(
        `${NET}.1.9`,
        { ip: GATEWAY, port: ports[name] },
        {
          host: 'shop',
          headers: {
            traceparent: `00-${trace}-00f067aa0ba902b7-01`,
            'x-b3-traceid': trace,
            'x-b3-spanid': '00f067aa0ba902b7',
          },
        },
      );
    return traces;
  };
  const stat = (name: string): number => pod.proxy.admin.stats().get(name) ?? 0;

  beforeAll(async () => {
    await listen(servers, COLLECTOR, 9411, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        reports.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
        response.writeHead(202).end();
      });
    });
    await listen(servers, APPLICATION, 8080, (request, response) => {
      asked.push(request.headers);
      response.statusCode = request.url === '/fails' ? 503 : 200;
      response.end('application');
    });
    grpc = createServer();
    grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        reports.push({ path: headers[':path'] ?? '', headers, body: Buffer.concat(chunks) });
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
        stream.end(Buffer.from([0, 0, 0, 0, 0]));
      });
    });
    await new Promise<void>((resolve) => grpc.listen(4317, COLLECTOR, resolve));
    const refused: unknown[] = [];
    pod = await startPod({ ip: GATEWAY, name: 'gateway', role: 'router', signer: await createTestCa() }, (xds) => {
      refused.push(
        ...xds.push(typeUrls.cluster, [
          staticCluster('collector', [`${COLLECTOR}:9411`]),
          staticCluster('collector-grpc', [`${COLLECTOR}:4317`], spokenHttp2),
          staticCluster('nobody-there', [`${COLLECTOR}:9`]),
          staticCluster('application', [`${APPLICATION}:8080`]),
        ]),
        ...xds.push(typeUrls.listener, Object.entries(PROVIDERS).map(listenerOf)),
      );
    });
    expect(refused).toEqual([]);
  });

  afterAll(async () => {
    await pod?.stop();
    grpc?.close();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('reach a Zipkin as its v2 JSON, with the headers that the configuration adds', async () => {
    const traces = await sendFive('zipkin');
    await until(() => reports.some(({ path }) => path === '/api/v2/spans'), 'a report');
    const { headers, body } = reports.find(({ path }) => path === '/api/v2/spans')!;
    expect(headers).toMatchObject({ host: 'collector', 'content-type': 'application/json', 'x-key': 'k' });
    const spans = JSON.parse(body.toString()) as Record<string, unknown>[];
    expect(spans.map(({ traceId }) => traceId)).toEqual(traces);
    expect(spans[0]).toMatchObject({ parentId: '00f067aa0ba902b7', kind: 'CLIENT', name: 'shop.default:80/*' });
    await until(() => stat('tracing.zipkin.spans_sent') === 5, 'the answer is counted');
    expect(stat('tracing.zipkin.reports_sent')).toBe(1);
  });

  it('reach an OpenTelemetry collector as protobuf, over HTTP', async () => {
    const [trace = ''] = await sendFive('otlp over http');
    await until(() => reports.some(({ path }) => path === '/v1/traces'), 'a report');
    const { headers, body } = reports.find(({ path }) => path === '/v1/traces')!;
    expect(headers['content-type']).toBe('application/x-protobuf');
    expect(body.includes(Buffer.from(trace, 'hex'))).toBe(true);
    expect(body.includes('shop.default:80/*')).toBe(true);
  });

  it('reach an OpenTelemetry collector by gRPC', async () => {
    const [trace = ''] = await sendFive('otlp over grpc');
    await until(() => reports.some(({ path }) => path === OTLP_PATH), 'a report');
    const { headers, body } = reports.find(({ path }) => path === OTLP_PATH)!;
    expect(headers).toMatchObject({ ':authority': 'otel.example', 'content-type': 'application/grpc' });
    expect(body.readUInt32BE(1)).toBe(body.length - 5);
    expect(body.includes(Buffer.from(trace, 'hex'))).toBe(true);
    await until(() => stat('tracing.opentelemetry.spans_sent') === 10, 'both ways are counted');
  });

  it('tell each try of a call, and its host which of them it is', async () => {
    asked.length = 0;
    await sendFrom(`${NET}.1.9`, { ip: GATEWAY, port: ports.tries }, { host: 'shop', path: '/fails' });
    for (let more = 0; more < 2; more++)
      await sendFrom(`${NET}.1.9`, { ip: GATEWAY, port: ports.tries }, { host: 'shop', path: '/' });
    await until(() => reports.some(({ path }) => path === '/tries'), 'a report');
    const sent = JSON.parse(String(reports.find(({ path }) => path === '/tries')!.body)) as {
      id: string;
      parentId?: string;
      kind: string;
      name: string;
      tags: Record<string, string>;
    }[];
    const [first, second, request] = sent;
    expect(sent.slice(0, 3).map(({ kind, name }) => [kind, name])).toEqual([
      ['CLIENT', 'router application egress'],
      ['CLIENT', 'router application egress'],
      ['SERVER', 'shop'],
    ]);
    expect(first).toMatchObject({ parentId: request!.id, tags: { 'http.status_code': '503', canceled: 'true' } });
    expect(first!.tags['retry.count']).toBeUndefined();
    expect(second).toMatchObject({ parentId: request!.id, tags: { 'http.status_code': '503', 'retry.count': '1' } });
    expect(asked.slice(0, 2).map((headers) => headers['x-b3-spanid'])).toEqual([first!.id, second!.id]);
    expect(asked.slice(0, 2).map((headers) => headers['x-b3-parentspanid'])).toEqual([request!.id, request!.id]);
    expect(asked[0]!['traceparent']).toBeUndefined();
  });

  it('that nobody takes hold no request up', async () => {
    await sendFive('nobody');
    await until(() => stat('tracing.zipkin.reports_dropped') === 1, 'the report is dropped');
    expect(pod.hops.slice(-5).map(({ response }) => response.status)).toEqual([200, 200, 200, 200, 200]);
  });
});

const LOGS = `${NET}.2.3`;
const LOGGERS = 'type.googleapis.com/envoy.extensions.access_loggers';

const commonConfig = (log_name: string, cluster_name: string, more: object = {}): object => ({
  log_name,
  transport_api_version: 'V3',
  buffer_flush_interval: '0.05s',
  grpc_service: { envoy_grpc: { cluster_name } },
  ...more,
});

const requestLog = (cluster: string, more: object = {}): object => ({
  name: 'envoy.access_loggers.http_grpc',
  filter: { status_code_filter: { comparison: { op: 'EQ', value: { default_value: 200, runtime_key: 'x' } } } },
  typed_config: {
    '@type': `${LOGGERS}.grpc.v3.HttpGrpcAccessLogConfig`,
    common_config: commonConfig('requests', cluster, more),
    additional_request_headers_to_log: ['X-Asked'],
  },
});

const recordLog = {
  name: 'envoy.access_loggers.open_telemetry',
  typed_config: {
    '@type': `${LOGGERS}.open_telemetry.v3.OpenTelemetryAccessLogConfig`,
    common_config: commonConfig('records', 'logs'),
    buffer_flush_interval: '0.05s',
    body: { string_value: '%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE%' },
    attributes: { values: [{ key: 'agent', value: { string_value: '%REQ(X-NONE)%' } }] },
    resource_attributes: { values: [{ key: 'mesh', value: { string_value: 'lab' } }] },
  },
};

const FIRST = 'GET /first HTTP/1.1\r\nhost:  shop\r\nx-asked: /first\r\nconnection: close\r\n\r\n';

/** A listener for each way to log. */
const LOG_PORTS = { requests: 9101, records: 9102, nobody: 9103, connections: 9104 } as const;

const httpLog = (name: keyof typeof LOG_PORTS, access_log: object): Listener =>
  gatewayListener(name, { ip: LOGS, port: LOG_PORTS[name] }, {
    stat_prefix: name,
    http_filters: [router],
    access_log: [access_log],
    tracing: { random_sampling: { value: 100 }, provider: PROVIDERS['otlp over http'] },
    route: {},
  } as Parameters<typeof gatewayListener>[2]);

interface LogEntries {
  readonly identifier?: { readonly log_name: string; readonly node: { readonly id: string } };
  readonly http_logs?: { readonly log_entry: readonly Record<string, unknown>[] };
  readonly tcp_logs?: { readonly log_entry: readonly Record<string, unknown>[] };
}

describe('access logs that leave a proxy', () => {
  const servers: Server[] = [];
  let receiver: LogReceiver;
  let pod: Pod;

  const messages = (): LogEntries[] => receiver.messages.map(({ message }) => message as LogEntries);
  const ask = (name: keyof typeof LOG_PORTS, path: string): Promise<unknown> =>
    sendFrom(`${NET}.1.9`, { ip: LOGS, port: LOG_PORTS[name] }, { host: 'shop', path, headers: { 'x-asked': path } });
  /** The bytes of a request, and until the proxy has closed the connection behind its answer. */
  const sendRaw = (bytes: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: LOGS, port: LOG_PORTS.requests }, () => socket.write(bytes));
      socket.on('error', reject);
      socket.on('close', () => resolve());
      socket.resume();
    });
  const stat = (name: string): number => pod.proxy.admin.stats().get(`access_logs.${name}`) ?? 0;
  const pathsOf = ({ http_logs }: LogEntries): unknown[] =>
    (http_logs?.log_entry ?? []).map((entry) => (entry['request'] as { path: string }).path);

  beforeAll(async () => {
    receiver = await startLogReceiver(`${COLLECTOR}:9002`);
    await listen(servers, APPLICATION, 8081, (request, response) => {
      response.statusCode = request.url === '/fails' ? 503 : 200;
      response.end('application');
    });
    const refused: unknown[] = [];
    pod = await startPod({ ip: LOGS, name: 'logs', role: 'router', signer: await createTestCa() }, (xds) => {
      refused.push(
        ...xds.push(typeUrls.cluster, [
          staticCluster('logs', [`${COLLECTOR}:9002`], spokenHttp2),
          staticCluster('nobody-there', [], spokenHttp2),
          staticCluster('collector', [`${COLLECTOR}:9`]),
          staticCluster('application', [`${APPLICATION}:8081`]),
        ]),
        ...xds.push(typeUrls.listener, [
          httpLog('requests', requestLog('logs')),
          httpLog('records', recordLog),
          httpLog('nobody', requestLog('nobody-there', { buffer_size_bytes: 1 })),
          {
            name: 'connections',
            address: { socket_address: { address: LOGS, port_value: LOG_PORTS.connections } },
            traffic_direction: 'OUTBOUND',
            filter_chains: [
              {
                filters: [
                  {
                    name: 'envoy.filters.network.tcp_proxy',
                    typed_config: {
                      '@type': extensionTypes.tcpProxy,
                      stat_prefix: 'connections',
                      cluster: 'application',
                      access_log: [
                        {
                          name: 'envoy.access_loggers.tcp_grpc',
                          typed_config: {
                            '@type': `${LOGGERS}.grpc.v3.TcpGrpcAccessLogConfig`,
                            common_config: commonConfig('connections', 'logs'),
                          },
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ]),
      );
    });
    expect(refused).toEqual([]);
  });

  afterAll(async () => {
    await pod?.stop();
    receiver?.stop();
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  it('reach their service in batches on one stream, whose first message names the proxy, as the filter of the log lets them', async () => {
    await sendRaw(FIRST);
    await until(() => messages().flatMap(pathsOf).includes('/first'), 'the first entry');
    await ask('requests', '/fails');
    await ask('requests', '/second');
    await until(() => messages().flatMap(pathsOf).includes('/second'), 'the second entry');
    const [first, second] = receiver.messages;
    expect(first!.call).toBe(second!.call);
    expect(messages().map(({ identifier }) => identifier?.log_name)).toEqual(['requests', undefined]);
    expect(messages()[0]!.identifier!.node.id).toContain('logs.default');
    expect(messages().flatMap(pathsOf)).toEqual(['/first', '/second']);
    expect(messages()[0]!.http_logs!.log_entry[0]).toMatchObject({
      common_properties: {
        upstream_cluster: 'application',
        access_log_type: 'DownstreamEnd',
        downstream_wire_bytes_received: String(FIRST.length),
      },
      protocol_version: 'HTTP11',
      request: {
        request_method: 'GET',
        authority: 'shop',
        request_headers: { 'x-asked': '/first' },
        // Lines without white space around values, and three bytes for each, as Envoy counts them.
        downstream_header_bytes_received: String('hostshopx-asked/firstconnectionclose'.length + 3 * 3),
      },
      response: { response_code: { value: 200 }, response_body_bytes: '11', response_code_details: 'via_upstream' },
    });
    expect(stat('grpc_access_log.logs_written')).toBe(2);
    expect(stat('grpc_access_log.grpc_entries_flushed')).toBe(2);
  });

  it('go on by a new stream after the service has ended the old one', async () => {
    const { length } = receiver.messages;
    const [{ call }] = receiver.messages as [LogReceiver['messages'][number]];
    receiver.breakOff();
    await until(() => pod.proxy.admin.stats().get('cluster.logs.upstream_rq_active') === 0, 'the stream is over');
    await ask('requests', '/again');
    await until(() => receiver.messages.length > length, 'a message on the new stream');
    const latest = receiver.messages.at(-1)!;
    expect(latest.call).not.toBe(call);
    expect((latest.message as LogEntries).identifier?.log_name).toBe('requests');
    expect(pathsOf(latest.message as LogEntries)).toEqual(['/again']);
  });

  it('are dropped and counted where nobody takes them, and hold no request up', async () => {
    const written = stat('grpc_access_log.logs_written');
    for (let more = 0; more < 3; more++) await ask('nobody', '/lost');
    await until(() => stat('grpc_access_log.logs_dropped') === 2, 'the entries beyond the buffer are dropped');
    expect(stat('grpc_access_log.logs_written')).toBe(written + 1);
    expect(stat('grpc_access_log.grpc_entries_flush_failed')).toBeGreaterThan(0);
    expect(pod.hops.slice(-3).map(({ response }) => response.status)).toEqual([200, 200, 200]);
  });

  it('reach an OpenTelemetry collector as records that name their proxy, their trace and their span', async () => {
    await ask('records', '/told');
    await until(() => receiver.messages.some(({ kind }) => kind === 'otlp'), 'a record');
    const { message } = receiver.messages.find(({ kind }) => kind === 'otlp')!;
    const text = (value: string): object => ({ string_value: value });
    expect(message).toMatchObject({
      resource_logs: [
        {
          resource: {
            attributes: [
              { key: 'log_name', value: text('records') },
              { key: 'zone_name', value: text('') },
              { key: 'cluster_name', value: text('logs.default') },
              { key: 'node_name' },
              { key: 'mesh', value: text('lab') },
            ],
          },
          scope_logs: [
            { log_records: [{ body: text('GET /told 200'), attributes: [{ key: 'agent', value: text('-') }] }] },
          ],
        },
      ],
    });
    const [{ scope_logs }] = message['resource_logs'] as [{ scope_logs: { log_records: Record<string, string>[] }[] }];
    const [{ trace_id = '', span_id = '' }] = scope_logs[0]!.log_records as [Record<string, string>];
    const { traceId, spanId } = pod.hops.at(-1)!;
    expect(Buffer.from(trace_id, 'base64').toString('hex')).toBe(traceId);
    expect(Buffer.from(span_id, 'base64').toString('hex')).toBe(spanId);
    await until(() => stat('open_telemetry_access_log.logs_written') === 1, 'the answer is counted');
  });

  it('tell of connections, too', async () => {
    await sendFrom(`${NET}.1.9`, { ip: LOGS, port: LOG_PORTS.connections }, { host: 'shop', path: '/tcp' });
    const found = (): Record<string, unknown> | undefined =>
      messages().flatMap(({ tcp_logs }) => tcp_logs?.log_entry ?? [])[0];
    await until(() => found() !== undefined, 'an entry of a connection');
    expect(found()).toMatchObject({
      common_properties: { upstream_cluster: 'application', access_log_type: 'TcpConnectionEnd' },
      connection_properties: { received_bytes: expect.stringMatching(/^[1-9]/) as unknown },
    });
  });
});
