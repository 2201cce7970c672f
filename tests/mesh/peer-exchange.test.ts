import { createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cluster, extensionTypes, type FilterChain, type Listener, typeUrls } from '#xds';
import { encodeIntroduction, readIntroduction, UNKNOWN_PEER } from '../../server/data-plane/http/peer-metadata.ts';
import { introductionFrame } from '../../server/data-plane/tcp/peer-exchange.ts';
import {
  clientTls,
  edsCluster,
  endpoints,
  inboundCluster,
  serverTls,
  standardClusters,
  virtualOutbound,
} from './data-plane-config.ts';
import { createTestCa, type Pod, sendFrom, startPod, until } from './data-plane-harness.ts';
import { NET } from './own-network.ts';

const PORT = 7000;
const CLIENT = `${NET}.11.1`;
const SERVER = `${NET}.11.2`;
const HIDDEN = `${NET}.111.2`;
const DB = `outbound|${PORT}||db.shop.svc.cluster.local`;
const MAGIC = '3d230467';

const exchange = { name: 'istio.metadata_exchange' };
const count = (config: object = {}) => ({
  name: 'istio.stats',
  typed_config: { '@type': 'type.googleapis.com/stats.PluginConfig', ...config },
});
const tcp = (cluster: string) => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: { '@type': extensionTypes.tcpProxy, stat_prefix: cluster, cluster },
});
const services = {
  filter_metadata: {
    istio: { services: [{ host: 'db.shop.svc.cluster.local', name: 'db', namespace: 'shop' }] },
  },
};

const inbound: Listener = {
  name: 'virtualInbound',
  address: { socket_address: { address: '0.0.0.0', port_value: 15006 } },
  use_original_dst: true,
  traffic_direction: 'INBOUND',
  listener_filters: [{ name: 'envoy.filters.listener.original_dst' }, { name: 'envoy.filters.listener.tls_inspector' }],
  filter_chains: [
    {
      name: `0.0.0.0_${PORT}`,
      filter_chain_match: { destination_port: PORT, transport_protocol: 'tls' },
      transport_socket: withAlpn(['istio-peer-exchange', 'h2', 'http/1.1']),
      filters: [exchange, count({ disable_host_header_fallback: true }), tcp(`inbound|${PORT}||`)],
    },
    {
      name: `0.0.0.0_${PORT}`,
      filter_chain_match: { destination_port: PORT, transport_protocol: 'raw_buffer' },
      filters: [exchange, count({ disable_host_header_fallback: true }), tcp(`inbound|${PORT}||`)],
    },
  ] as FilterChain[],
};

/** The server's side of mTLS for bytes that are no HTTP. */
function withAlpn(alpn_protocols: readonly string[]): NonNullable<FilterChain['transport_socket']> {
  const config = serverTls.typed_config as Record<string, unknown>;
  const common = config['common_tls_context'] as Record<string, unknown>;
  return {
    ...serverTls,
    typed_config: { ...config, require_client_certificate: false, common_tls_context: { ...common, alpn_protocols } },
  } as unknown as NonNullable<FilterChain['transport_socket']>;
}

const outbound = (stats: object): Listener => ({
  name: `0.0.0.0_${PORT}`,
  address: { socket_address: { address: '0.0.0.0', port_value: PORT } },
  bind_to_port: false,
  traffic_direction: 'OUTBOUND',
  filter_chains: [{ filters: [count(stats), tcp(DB)] } as FilterChain],
});

/** A listener that logs, with a TCP proxy to a cluster. */
const logged = (cluster: string, fields: object, format?: string): Listener => {
  const inline_string =
    format ??
    '%RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT% %UPSTREAM_TRANSPORT_FAILURE_REASON%';
  const file = {
    name: 'envoy.access_loggers.file',
    typed_config: {
      '@type': extensionTypes.fileAccessLog,
      path: '/dev/stdout',
      log_format: { text_format_source: { inline_string } },
    },
  };
  const { name, typed_config } = tcp(cluster);
  const filter = { name, typed_config: { ...typed_config, ...fields, access_log: [file] } };
  return { ...outbound({}), filter_chains: [{ filters: [filter] } as FilterChain] };
};

const toDb = (): Cluster =>
  edsCluster(DB, {
    metadata: services,
    filters: [exchange],
    transport_socket_matches: [
      {
        name: 'tlsMode-istio',
        match: { tlsMode: 'istio' },
        transport_socket: clientTls('spiffe://cluster.local/ns/default/sa/db', `outbound_.${PORT}_._.db`),
      },
    ],
  } as Partial<Cluster>);

/** The samples of a metric, each as its labels and its value. */
async function samples(ip: string, name: string): Promise<{ labels: Record<string, string>; value: number }[]> {
  const { body } = await sendFrom(`${NET}.11.9`, { ip, port: 15090 }, { path: '/stats/prometheus' });
  return body.split('\n').flatMap((line) => {
    const found = new RegExp(`^${name}\\{(.*)\\} (\\d+)$`).exec(line);
    if (found === null) return [];
    const labels = Object.fromEntries(
      [...found[1]!.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    return [{ labels, value: Number(found[2]) }];
  });
}

const echo = async (socket: Socket): Promise<unknown> => socket.end(Buffer.from(`got ${await read(socket)}`, 'latin1'));

const read = (socket: Socket): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });

describe('two sidecars at the ends of a TCP connection', () => {
  let client: Pod;
  let server: Pod;
  let database: Server;
  /** What the database's program does with a connection. */
  let serve: (socket: Socket) => unknown = () => undefined;

  beforeAll(async () => {
    const signer = await createTestCa();
    const start = (ip: string, name: string, configure: Parameters<typeof startPod>[1]): Promise<Pod> =>
      startPod({ ip, name, ports: name.startsWith('db') ? [PORT] : [], signer }, configure);
    server = await start(SERVER, 'db-7d9f6b5c8-x2k4p', (xds) => {
      xds.push(typeUrls.cluster, [...standardClusters, { ...inboundCluster(PORT), metadata: services }]);
      xds.push(typeUrls.listener, [virtualOutbound, inbound]);
    });
    client = await start(CLIENT, 'shop-5c8d7f9b6-q8w2z', (xds) => {
      xds.push(typeUrls.cluster, [...standardClusters, toDb()]);
      xds.push(typeUrls.endpoint, [endpoints(DB, [`${SERVER}:${PORT}`], true)]);
      xds.push(typeUrls.listener, [virtualOutbound, outbound({})]);
    });
    database = createServer({ allowHalfOpen: true }, (socket) => serve(socket));
    await new Promise<void>((resolve) => database.listen(PORT, HIDDEN, resolve));
  });
  afterAll(async () => {
    database?.close();
    await Promise.all([client?.stop(), server?.stop()]);
  });

  const call = async (question: string): Promise<string> => {
    const socket = client.dial({ ip: SERVER, port: PORT });
    socket.end(question);
    return read(socket);
  };

  it('name each other in the metrics of both, and the program sees only its own bytes', async () => {
    serve = echo;
    expect(await call('select 1')).toBe('got select 1');
    const both = {
      source_workload: 'shop',
      source_canonical_service: 'shop',
      source_workload_namespace: 'default',
      source_principal: 'spiffe://cluster.local/ns/default/sa/shop',
      source_app: 'shop',
      source_version: 'v1',
      source_cluster: 'Kubernetes',
      destination_workload: 'db',
      destination_canonical_service: 'db',
      destination_canonical_revision: 'v1',
      destination_principal: 'spiffe://cluster.local/ns/default/sa/db',
      destination_app: 'db',
      destination_version: 'v1',
      destination_service: 'db.shop.svc.cluster.local',
      destination_service_name: 'db',
      request_protocol: 'tcp',
      response_flags: '-',
    };
    for (const [ip, reporter, security] of [
      [CLIENT, 'source', 'unknown'],
      [SERVER, 'destination', 'mutual_tls'],
    ] as const) {
      for (const [name, value] of [
        ['istio_tcp_connections_opened_total', 1],
        ['istio_tcp_connections_closed_total', 1],
        ['istio_tcp_received_bytes_total', 'select 1'.length],
        ['istio_tcp_sent_bytes_total', 'got select 1'.length],
      ] as const) {
        await until(() => server.hops.length > 0 && client.hops.length > 0, 'both connections are over');
        const [sample, ...others] = await samples(ip, name);
        expect(others, `${ip} ${name}`).toEqual([]);
        expect(sample?.value, `${ip} ${name}`).toBe(value);
        expect(sample?.labels).toMatchObject({ reporter, connection_security_policy: security, ...both });
      }
    }
    expect(server.hops[0]).toMatchObject({ request: { bytes: 8 }, response: { bytes: 12 } });
  });

  it('let a server speak first, and count a connection before it ends', async () => {
    let heard = '';
    serve = (socket) => {
      socket.write('welcome');
      socket
        .on('end', () => socket.end())
        .on('data', (chunk: Buffer) => {
          heard += chunk;
        });
    };
    const socket = client.dial({ ip: SERVER, port: PORT });
    const greeting = await new Promise<string>((resolve) =>
      socket.once('data', (chunk: Buffer) => resolve(`${chunk}`)),
    );
    expect(greeting).toBe('welcome');
    socket.write('thanks');
    await until(() => heard === 'thanks', 'the program hears the answer');
    const [opened] = await samples(SERVER, 'istio_tcp_connections_opened_total');
    const [closed] = await samples(SERVER, 'istio_tcp_connections_closed_total');
    expect([opened?.value, closed?.value]).toEqual([2, 1]);
    socket.destroy();
    await until(() => server.hops.length === 2, 'the second connection is over');
  });

  it('pass on what a client says after its server has said all', async () => {
    let heard = '';
    const over = new Promise<void>((resolve) => {
      serve = (socket) => {
        socket.end('bye');
        socket.on('end', resolve).on('data', (chunk: Buffer) => {
          heard += chunk;
        });
      };
    });
    const hops = server.hops.length;
    const socket = client.dial({ ip: SERVER, port: PORT });
    socket.allowHalfOpen = true;
    expect(await read(socket)).toBe('bye');
    socket.end('one more thing');
    await over;
    expect(heard).toBe('one more thing');
    await until(() => server.hops.length > hops, 'the connection is over');
  });

  it("pass a server's reset on through TLS", async () => {
    serve = (socket) => socket.once('data', () => socket.resetAndDestroy());
    const hops = client.hops.length;
    const socket = client.dial({ ip: SERVER, port: PORT });
    socket.write('hello');
    await expect(read(socket)).rejects.toMatchObject({ code: 'ECONNRESET' });
    await until(() => client.hops.length > hops, 'the connection is over');
    expect(client.hops.at(-1)).toMatchObject({ response: { flags: ['UR'] } });
  });

  /** What a program without certificate hears that speaks to the server's proxy itself, piece by piece. */
  const speak = async (alpn: string, pieces: readonly Buffer[]): Promise<Buffer> => {
    serve = echo;
    const socket = connectTls({ host: SERVER, port: PORT, ALPNProtocols: [alpn], rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    expect(socket.alpnProtocol).toBe(alpn === 'istio-peer-exchange' ? alpn : false);
    const heard = read(socket);
    for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
    socket.end();
    return Buffer.from(await heard, 'latin1');
  };

  const introduction = introductionFrame(
    encodeIntroduction({ ...UNKNOWN_PEER, workload: 'wild', app: 'beast', namespace: 'woods' }, 'sidecar~1'),
  );

  it('takes an introduction that arrives in pieces, and gives its own', async () => {
    const all = Buffer.concat([introduction, Buffer.from('hello')]);
    const heard = await speak('istio-peer-exchange', [all.subarray(0, 3), all.subarray(3, 20), all.subarray(20)]);
    expect(heard.subarray(0, 4).toString('hex')).toBe(MAGIC);
    const told = heard.subarray(8, 8 + heard.readUInt32BE(4));
    expect(readIntroduction(told)).toMatchObject({ workload: 'db', app: 'db', namespace: 'default', service: 'db' });
    expect(heard.subarray(8 + told.length).toString()).toBe('got hello');
    const opened = await samples(SERVER, 'istio_tcp_connections_opened_total');
    const wild = opened.find(({ labels }) => labels['source_workload'] === 'wild');
    expect(wild?.labels).toMatchObject({
      source_app: 'beast',
      source_workload_namespace: 'woods',
      source_version: 'unknown',
    });
  });

  it.each([
    ['that begins otherwise', Buffer.from('hello')],
    ['whose first byte is the same', Buffer.from('=ello')],
    ['that announces more than any proxy tells', Buffer.from(`${MAGIC}7fffffff`, 'hex')],
    ['that ends within the introduction', introduction.subarray(0, 30)],
  ])('passes on what a client sends %s', async (_, bytes) => {
    const heard = await speak('istio-peer-exchange', [bytes]);
    expect(heard.subarray(8 + heard.readUInt32BE(4)).toString('latin1')).toBe(`got ${bytes.toString('latin1')}`);
  });

  it('introduces itself only to who agreed to it', async () => {
    const heard = await speak('istio', [introduction]);
    expect(heard.toString('latin1')).toBe(`got ${introduction.toString('latin1')}`);
  });

  it('counts a connection that cannot be made, with its flags', async () => {
    client.xds.push(typeUrls.endpoint, [endpoints(DB, [`${NET}.11.77:${PORT}`], true)]);
    await expect(call('anybody?')).rejects.toMatchObject({ code: 'ECONNRESET' });
    const opened = await samples(CLIENT, 'istio_tcp_connections_opened_total');
    const failed = opened.filter(({ labels }) => labels['response_flags'] !== '-');
    expect(
      failed.map(({ labels, value }) => [labels['response_flags'], labels['destination_workload'], value]),
    ).toEqual([['UF,URX', 'unknown', 1]]);
    client.xds.push(typeUrls.endpoint, [endpoints(DB, [`${SERVER}:${PORT}`], true)]);
  });

  it('count as Telemetry says: a metric dropped, labels removed, set and added', async () => {
    const config = {
      metrics: [
        { name: 'tcp_sent_bytes_total', drop: true },
        {
          name: 'tcp_connections_closed_total',
          tags_to_remove: ['source_principal'],
          dimensions: {
            destination_version: "'v' + string(1 + 1)",
            port: 'string(destination.port)',
            odd: 'no.such.thing',
          },
        },
      ],
    };
    client.xds.push(typeUrls.listener, [outbound(config)]);
    serve = echo;
    const before = await samples(CLIENT, 'istio_tcp_sent_bytes_total');
    const hops = client.hops.length;
    expect(await call('again')).toBe('got again');
    await until(() => client.hops.length > hops, 'the connection is over');
    expect(await samples(CLIENT, 'istio_tcp_sent_bytes_total')).toEqual(before);
    const closed = await samples(CLIENT, 'istio_tcp_connections_closed_total');
    const changed = closed.find(({ labels }) => 'port' in labels);
    expect(changed?.labels).toMatchObject({
      destination_version: 'v2',
      port: `${PORT}`,
      odd: 'unknown',
      source_app: 'shop',
    });
    expect(changed?.labels).not.toHaveProperty('source_principal');
  });

  it.each([
    ['of no such cluster', 'gone', 'NC - - 0 -'],
    ['without hosts', 'empty', 'UH - empty 0 -'],
    ['beyond its breaker', 'full', 'UO - full 0 -'],
    ['beyond the breaker of no hosts', 'full-empty', 'UO - full-empty 0 -'],
    ['beyond what may wait', 'waiting', 'URX - waiting 1 -'],
    ['refused', 'refused', 'UF,URX - refused 1 delayed_connect_error:_Connection_refused'],
    ['reset by the host', 'database', 'UR - database 1 -'],
    ['that lasts too long', 'database', 'DT - database 1 -'],
    ['that ends', 'database', '- - database 1 -'],
  ])('write as Envoy does into the log what became of a connection %s', async (what, cluster, line) => {
    const at = (name: string, ip: string, port: number, fields: Partial<Cluster> = {}): Cluster => ({
      name,
      type: 'STATIC',
      connect_timeout: '1s',
      ...(ip !== '' && { load_assignment: endpoints(name, [`${ip}:${port}`]) }),
      ...fields,
    });
    client.xds.push(typeUrls.cluster, [
      at('empty', '', 0),
      at('full', HIDDEN, PORT, { circuit_breakers: { thresholds: [{ max_connections: 0 }] } }),
      at('full-empty', '', 0, { circuit_breakers: { thresholds: [{ max_connections: 0 }] } }),
      at('waiting', HIDDEN, PORT, { circuit_breakers: { thresholds: [{ max_pending_requests: 0 }] } }),
      at('refused', HIDDEN, 1),
      at('database', HIDDEN, PORT),
    ]);
    const limit = what.includes('too long') ? { max_downstream_connection_duration: '0.2s' } : {};
    client.xds.push(typeUrls.listener, [logged(cluster, limit)]);
    serve = (socket) => {
      socket.on('error', () => undefined);
      socket.on('end', () => socket.end());
      socket.on('data', () => {
        if (what.includes('reset')) socket.resetAndDestroy();
        else if (what.includes('ends')) socket.end();
      });
    };
    const before = client.logs.length;
    const socket = client.dial({ ip: SERVER, port: PORT });
    const ended = new Promise<string>((resolve) => {
      socket.on('error', ({ code = '' }: NodeJS.ErrnoException) => resolve(code));
      socket.on('end', () => resolve('end'));
    });
    socket.write('hello');
    await until(() => client.logs.length > before, 'a line is written');
    expect(client.logs.slice(before)).toEqual([line]);
    // The client hears of a reset by a reset, and what nobody has read ends so, too.
    if (what.includes('reset') || what === 'refused') expect(await ended).toBe('ECONNRESET');
    socket.destroy();
  });

  it('ask for no host before the client speaks, where the listener says so, and wait between attempts', async () => {
    const onData = { upstream_connect_mode: 'ON_DOWNSTREAM_DATA', max_early_data_bytes: 16 };
    const again = { max_connect_attempts: 2, backoff_options: { base_interval: '0.001s' } };
    client.xds.push(typeUrls.listener, [
      logged('refused', { ...onData, ...again }, '%BYTES_RECEIVED% %RESPONSE_FLAGS%'),
    ]);
    const tried = (): number => client.proxy.admin.stats().get('cluster.refused.upstream_cx_total') ?? 0;
    const [lines, before] = [client.logs.length, tried()];
    const socket = client.dial({ ip: SERVER, port: PORT });
    await new Promise((resolve) => socket.once('connect', resolve));
    expect(tried()).toBe(before);
    socket.write('hello');
    // What was read is not reset.
    expect(await read(socket)).toBe('');
    await until(() => client.logs.length > lines, 'a line is written');
    expect([client.logs.slice(lines), tried() - before]).toEqual([['5 UF,URX'], 2]);
    const rejected = client.xds.push(typeUrls.listener, [
      logged('refused', { upstream_connect_mode: 'ON_DOWNSTREAM_DATA' }),
    ]);
    expect(rejected[0]?.message).toContain('max_early_data_bytes must be set');
  });

  it('write a line when a connection is joined to its host, where the listener says so', async () => {
    client.xds.push(typeUrls.cluster, [
      { name: 'database', type: 'STATIC', load_assignment: endpoints('database', [`${HIDDEN}:${PORT}`]) } as Cluster,
    ]);
    client.xds.push(typeUrls.listener, [
      logged(
        'database',
        { access_log_options: { flush_access_log_on_connected: true } },
        '%ACCESS_LOG_TYPE% %BYTES_SENT%',
      ),
    ]);
    serve = (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => socket.end('bye'));
    };
    const before = client.logs.length;
    const socket = client.dial({ ip: SERVER, port: PORT });
    socket.on('error', () => undefined);
    socket.resume();
    await until(() => client.logs.length > before, 'the first line is written');
    expect(client.logs.slice(before)).toEqual(['TcpUpstreamConnected 0']);
    socket.write('hello');
    await until(() => client.logs.length > before + 1, 'the last line is written');
    expect(client.logs.slice(before + 1)).toEqual(['TcpConnectionEnd 3']);
    socket.destroy();
  });
});
