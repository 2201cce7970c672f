import type { Server } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { extensionTypes, type Listener, typeUrls } from '#xds';
import { gatewayListener, router, spokenHttp2, staticCluster } from './data-plane-config.ts';
import { createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { type LogReceiver, startLogReceiver } from './log-receiver.ts';
import { NET } from './own-network.ts';

const COLLECTOR = `${NET}.2.1`;
const APPLICATION = `${NET}.2.2`;
const LOGS = `${NET}.2.3`;
const LOGGERS = 'type.googleapis.com/envoy.extensions.access_loggers';

const commonConfig = (log_name: string, cluster_name: string, more: object = {}): object => ({
  log_name,
  transport_api_version: 'V3',
  buffer_flush_interval: '0.05s',
  grpc_service: { envoy_grpc: { cluster_name } },
  ...more,
});

/** Tells of requests when they begin and while they last, of connections once they are joined. */
const LOG_TIMES = { flush_access_log_on_new_request: true, access_log_flush_interval: '0.05s' };
const JOINED = { flush_access_log_on_start: true, flush_access_log_on_connected: true };
const TYPES_LOG = {
  name: 'envoy.access_loggers.stdout',
  typed_config: {
    '@type': `${LOGGERS}.stream.v3.StdoutAccessLog`,
    log_format: { text_format_source: { inline_string: 'told %ACCESS_LOG_TYPE% %REQ(:PATH)% %RESPONSE_CODE%\n' } },
  },
};

const PLAIN_LOG = {
  name: 'envoy.access_loggers.stderr',
  typed_config: { '@type': `${LOGGERS}.stream.v3.StderrAccessLog` },
};

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

const TRACER = {
  name: 'envoy.tracers.opentelemetry',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig',
    grpc_service: { envoy_grpc: { cluster_name: 'nobody-there' } },
  },
};

/** A listener for each way to log. */
const LOG_PORTS = { requests: 9101, records: 9102, nobody: 9103, connections: 9104, times: 9105, plain: 9106 } as const;

const httpLog = (name: keyof typeof LOG_PORTS, access_log: object, more: object = {}): Listener =>
  gatewayListener(name, { ip: LOGS, port: LOG_PORTS[name] }, {
    stat_prefix: name,
    http_filters: [router],
    access_log: [access_log],
    tracing: { random_sampling: { value: 100 }, provider: TRACER },
    route: {},
    ...more,
  } as Parameters<typeof gatewayListener>[2]);

interface LogEntries {
  readonly identifier?: { readonly log_name: string; readonly node: { readonly id: string } };
  readonly http_logs?: { readonly log_entry: readonly Record<string, unknown>[] };
  readonly tcp_logs?: { readonly log_entry: readonly Record<string, unknown>[] };
}

describe('access logs that leave a proxy', () => {
  const servers: Server[] = [];
  let receiver: LogReceiver;
  let held: (() => void) | undefined;
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
  const toldLines = (): string[] => pod.logs.filter((line) => line.startsWith('told '));
  const stat = (name: string): number => pod.proxy.admin.stats().get(`access_logs.${name}`) ?? 0;
  const pathsOf = ({ http_logs }: LogEntries): unknown[] =>
    (http_logs?.log_entry ?? []).map((entry) => (entry['request'] as { path: string }).path);

  beforeAll(async () => {
    receiver = await startLogReceiver(`${COLLECTOR}:9002`);
    await listen(servers, APPLICATION, 8081, (request, response) => {
      response.statusCode = request.url === '/fails' ? 503 : 200;
      if (request.url === '/held') held = () => response.end('application');
      else response.end('application');
    });
    const refused: unknown[] = [];
    pod = await startPod({ ip: LOGS, name: 'logs', role: 'router', signer: await createTestCa() }, (xds) => {
      refused.push(
        ...xds.push(typeUrls.cluster, [
          staticCluster('logs', [`${COLLECTOR}:9002`], spokenHttp2),
          staticCluster('nobody-there', [], spokenHttp2),
          staticCluster('application', [`${APPLICATION}:8081`]),
        ]),
        ...xds.push(typeUrls.listener, [
          httpLog('requests', requestLog('logs')),
          httpLog('records', recordLog),
          httpLog('plain', PLAIN_LOG),
          httpLog('times', TYPES_LOG, { access_log_options: LOG_TIMES }),
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
                      access_log_options: JOINED,
                      access_log: [
                        TYPES_LOG,
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
    const found = (): Record<string, unknown>[] => messages().flatMap(({ tcp_logs }) => tcp_logs?.log_entry ?? []);
    await until(() => found().length === 3, 'the entries of a connection');
    expect(found()).toMatchObject([
      // TcpConnectionStart, which is younger than the receiver's .proto files.
      { common_properties: { access_log_type: 14, intermediate_log_entry: true } },
      { common_properties: { access_log_type: 'TcpUpstreamConnected', upstream_cluster: 'application' } },
      {
        common_properties: { upstream_cluster: 'application', access_log_type: 'TcpConnectionEnd' },
        connection_properties: { received_bytes: expect.stringMatching(/^[1-9]/) as unknown },
      },
    ]);
    expect(toldLines()).toEqual([
      'told TcpConnectionStart - 0',
      'told TcpUpstreamConnected - 0',
      'told TcpConnectionEnd - 0',
    ]);
  });

  it("are lines in Envoy's own format where they name none", async () => {
    await ask('plain', '/plain');
    const line = (): string | undefined => pod.logs.find((each) => each.includes('"GET /plain HTTP/1.1"'));
    await until(() => line() !== undefined, 'the line');
    expect(line()).toMatch(
      /^\[\S+Z\] "GET \/plain HTTP\/1\.1" 200 - 0 11 \d+ \d+ "\S+" "-" "[0-9a-f-]{36}" "shop" "[\d.]+:8081"$/,
    );
  });

  it('tell of a request when it begins, while it lasts and at its end', async () => {
    const from = toldLines().length;
    const told = (): string[] => toldLines().slice(from);
    const answer = ask('times', '/held');
    await until(() => told().length >= 3, 'two lines while the host is silent');
    await until(() => held !== undefined, 'the request is at the host');
    held?.();
    await answer;
    await until(() => told().at(-1) === 'told DownstreamEnd /held 200', 'the last line');
    const [first, ...between] = told().slice(0, -1);
    expect(first).toBe('told DownstreamStart /held 0');
    expect(new Set(between)).toEqual(new Set(['told DownstreamPeriodic /held 0']));
  });
});
