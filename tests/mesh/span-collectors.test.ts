import type { IncomingHttpHeaders, Server } from 'node:http';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Listener, typeUrls } from '#xds';
import { gatewayListener, router, spokenHttp2, staticCluster } from './data-plane-config.ts';
import { createTestCa, listen, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
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
      shared_span_context: false,
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
      shared_span_context: false,
      collector_service: { http_uri: uri('/tries', 'collector') },
    },
  },
  told: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      trace_id_128bit: true,
      collector_endpoint_version: 'HTTP_JSON',
      shared_span_context: false,
      collector_service: { http_uri: uri('/told', 'collector') },
    },
  },
  inside: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      trace_id_128bit: true,
      collector_endpoint_version: 'HTTP_JSON',
      collector_service: { http_uri: uri('/inside', 'collector') },
    },
  },
  nobody: {
    name: 'envoy.tracers.zipkin',
    typed_config: {
      '@type': type('ZipkinConfig'),
      collector_endpoint_version: 'HTTP_JSON',
      shared_span_context: false,
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

/** Whatever comes to an inbound listener is a server's, and goes on as a copy, too. */
const INSIDE = {
  route: {
    decorator: { operation: 'shop.default:80/*' },
    route: {
      cluster: 'application',
      host_rewrite_literal: 'other',
      request_mirror_policies: [{ cluster: 'nobody-there' }],
    },
  },
};

/** A route says how its requests are traced, and the connection manager the rest. */
const TOLD = {
  tracing: {
    verbose: true,
    spawn_upstream_span: true,
    custom_tags: [
      { tag: 'team', literal: { value: 'web' } },
      { tag: 'method', value: '%REQ(:METHOD)%' },
    ],
    operation: 'of all',
    upstream_operation: 'asks %UPSTREAM_CLUSTER%',
  },
  route: {
    decorator: { operation: 'shop.default:80/*' },
    tracing: {
      random_sampling: { numerator: 0 },
      custom_tags: [{ tag: 'team', request_header: { name: 'x-team' } }],
      operation: 'buys %REQ(x-what)%',
    },
  },
};

const ports = Object.fromEntries(Object.keys(PROVIDERS).map((name, i) => [name, 9001 + i])) as Record<
  keyof typeof PROVIDERS,
  number
>;

const listenerOf = ([name, provider]: [string, object]): Listener => ({
  ...gatewayListener(
    name,
    { ip: GATEWAY, port: ports[name as keyof typeof PROVIDERS] },
    {
      stat_prefix: 'shop',
      tracing: {
        random_sampling: { value: 100 },
        provider,
        ...(name === 'tries' && { spawn_upstream_span: TRIES.spawn_upstream_span }),
        ...(name === 'told' && TOLD.tracing),
      },
      http_filters: [router],
      route:
        name === 'tries'
          ? TRIES.route
          : name === 'told'
            ? TOLD.route
            : name === 'inside'
              ? INSIDE.route
              : { decorator: { operation: 'shop.default:80/*' } },
    },
  ),
  ...(name === 'inside' && { traffic_direction: 'INBOUND' }),
});

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
    await until(() => stat('tracing.zipkin.reports_sent') === 1, 'the answer is counted');
    expect(stat('tracing.zipkin.spans_sent')).toBe(5);
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

  type Times = { readonly timestamp: number; readonly annotations: readonly { readonly timestamp: number }[] };
  /** By the ends that they tell: lengths are of another clock in Envoy. Microseconds are rounded one by one. */
  const during = (inner: Times, outer: Times): boolean =>
    inner.timestamp >= outer.timestamp && inner.annotations[0]!.timestamp <= outer.annotations[0]!.timestamp + 1;

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
      timestamp: number;
      annotations: { timestamp: number }[];
      tags: Record<string, string>;
    }[];
    const [first, second, request] = sent;
    expect(sent.slice(0, 3).map(({ kind, name }) => [kind, name])).toEqual([
      ['CLIENT', 'router application egress'],
      ['CLIENT', 'router application egress'],
      ['SERVER', 'shop'],
    ]);
    expect(first).toMatchObject({ parentId: request!.id, tags: { 'http.status_code': '503', canceled: 'true' } });
    for (const each of [first!, second!]) expect(during(each, request!)).toBe(true);
    expect(first!.tags['retry.count']).toBeUndefined();
    expect(second).toMatchObject({ parentId: request!.id, tags: { 'http.status_code': '503', 'retry.count': '1' } });
    expect(asked.slice(0, 2).map((headers) => headers['x-b3-spanid'])).toEqual([first!.id, second!.id]);
    expect(asked.slice(0, 2).map((headers) => headers['x-b3-parentspanid'])).toEqual([request!.id, request!.id]);
    expect(asked[0]!['traceparent']).toBeUndefined();
  });

  it('have the shares, tags and names of their route, and tell when what happened where they are verbose', async () => {
    asked.length = 0;
    const send = (headers: Readonly<Record<string, string>>): Promise<unknown> =>
      sendFrom(`${NET}.1.9`, { ip: GATEWAY, port: ports.told }, { host: 'shop', headers });
    await send({});
    for (let more = 0; more < 3; more++)
      await send({ 'x-client-trace-id': 'c1', 'x-what': 'tea', ...(more === 0 && { 'x-team': 'shop' }) });
    await until(() => reports.some(({ path }) => path === '/told'), 'a report');
    expect(asked.map((headers) => headers['x-b3-sampled'])).toEqual(['0', '1', '1', '1']);
    expect(asked.map((headers) => headers['x-envoy-decorator-operation'])).toEqual(Array(4).fill(undefined));
    const [call, request, , untold] = JSON.parse(String(reports.find(({ path }) => path === '/told')!.body)) as {
      name: string;
      annotations: { value: string }[];
      tags: Record<string, string>;
    }[];
    expect([call!.name, request!.name]).toEqual(['asks application', 'buys tea']);
    for (const each of [call!, request!]) expect(each.tags).toMatchObject({ team: 'shop', method: 'GET' });
    expect(untold!.tags['team']).toBeUndefined();
    expect(call!.annotations.map(({ value }) => value)).toEqual([
      'first_upstream_tx_byte_sent',
      'last_upstream_tx_byte_sent',
      'first_upstream_rx_byte_received',
      'last_upstream_rx_byte_received',
      'cr',
    ]);
    expect(request!.annotations.map(({ value }) => value)).toEqual([
      'last_downstream_rx_byte_received',
      ...call!.annotations.slice(0, -1).map(({ value }) => value),
      'first_downstream_tx_byte_sent',
      'last_downstream_tx_byte_sent',
      'ss',
    ]);
  });

  it('are those of a server, with the id of the client, where a listener is for what comes in', async () => {
    asked.length = 0;
    const [trace = ''] = await sendFive('inside');
    await until(() => reports.some(({ path }) => path === '/inside'), 'a report');
    type Sent = { readonly id: string; readonly name: string; readonly traceId: string };
    const sent = JSON.parse(String(reports.find(({ path }) => path === '/inside')!.body)) as Sent[];
    const own = sent.filter(({ traceId }) => traceId === trace);
    const request = own.find(({ name }) => name === 'shop.default:80/*')!;
    expect(request).toMatchObject({ id: '00f067aa0ba902b7', kind: 'SERVER', shared: true });
    // The host that was asked in the end.
    expect(request).toMatchObject({ tags: { 'http.url': 'http://other/' } });
    expect(request).not.toHaveProperty('parentId');
    expect(own.find(({ name }) => name === 'mirror')).toMatchObject({
      parentId: request.id,
      kind: 'CLIENT',
      tags: { 'http.status_code': '503', response_flags: 'UF', upstream_cluster: 'nobody-there', error: 'true' },
    });
    expect(asked[0]).toMatchObject({ 'x-b3-spanid': request.id });
    expect(asked[0]).not.toHaveProperty('x-envoy-decorator-operation');
    expect(pod.hops.at(-1)).toMatchObject({ direction: 'inbound' });
  });

  it('that nobody takes hold no request up', async () => {
    await sendFive('nobody');
    await until(() => stat('tracing.zipkin.reports_dropped') === 1, 'the report is dropped');
    expect(pod.hops.slice(-5).map(({ response }) => response.status)).toEqual([200, 200, 200, 200, 200]);
  });
});
