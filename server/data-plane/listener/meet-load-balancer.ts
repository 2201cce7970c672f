import { formatAddress } from '#domain';
import type { ProxyProtocolRules } from '../config/proxy-protocol-config.ts';
import { ConnectionLog } from './connection-log.ts';
import type { ConnectionLayer, ConnectionOutcome, PendingConnection } from './pending-connection.ts';
import { furtherFields, type HeaderReading, type ProxyHeader, readProxyHeader } from './proxy-header.ts';
import { turnAway } from './turn-away.ts';

/** Where a load balancer tells who its client is, its word counts (Envoy: the proxy_protocol listener filter). */
export const meetLoadBalancer: ConnectionLayer = (connection) => {
  const rules = connection.listener?.config.proxyProtocol;
  return rules === undefined ? 'next' : meet(connection, rules);
};

async function meet(connection: PendingConnection, rules: ProxyProtocolRules): Promise<ConnectionOutcome> {
  const { reading, header } = await readFirst(connection);
  const { stats } = connection.runtime;
  const count = (name: string): void => {
    stats.stat(`proxy_proto.${rules.statPrefix}${name}`).value++;
  };
  if (typeof reading === 'object') {
    count(`versions.v${reading.version}.found`);
    if (!rules.disallowed.has(reading.version)) {
      blind(connection, rules);
      believe(connection, reading);
      const passed = furtherFields(header).filter(({ type }) => rules.passes(type));
      if (passed.length > 0) connection.headerFields = passed;
      return 'next';
    }
    count(`versions.v${reading.version}.disallowed`);
  } else {
    if (reading === 'none') count(rules.optional ? 'not_found_allowed' : 'not_found_disallowed');
    if (reading === 'none' && rules.optional) return 'next';
    if (reading === 'bad v1' || reading === 'bad v2') count(`versions.${reading.slice('bad '.length)}.error`);
    if (reading === 'late') return 'next';
    if (reading !== 'incomplete') stats.stat('downstream_cx_proxy_proto_error').value++;
  }
  connection.note('listener', 'stopped', connection.listener?.config.name ?? '', () => ({
    detail: 'the connection does not begin with a PROXY protocol header that this listener takes',
  }));
  ConnectionLog.of(connection)?.write(undefined);
  turnAway(connection.socket);
  return 'stop';
}

function believe(connection: PendingConnection, { version, addresses }: ProxyHeader): void {
  if (addresses === undefined) return;
  const told = formatAddress(addresses.source);
  connection.note('listener', 'applied', 'PROXY protocol', () => ({
    detail: `the load balancer at ${connection.directAddress.ip} says that its client is ${told}`,
    evidence: { version, source: told, destination: formatAddress(addresses.destination) },
  }));
  connection.remoteAddress = addresses.source;
  connection.localAddress = addresses.destination;
}

/** Inspectors that stand before this filter have looked at the header alone, which is neither TLS nor HTTP. */
function blind(connection: PendingConnection, { blinds }: ProxyProtocolRules): void {
  if (!blinds.tls && !blinds.http) return;
  const { listener, localAddress } = connection;
  const forTls = blinds.tls && listener?.config.inspectTls(localAddress.port) === true;
  const forHttp = blinds.http && listener?.config.inspectHttp(localAddress.port) === true;
  listener?.stats.seen({ transport: 'raw_buffer', serverName: '', alpn: [] }, { forTls, forHttp });
  connection.blinded = blinds;
}

interface FirstBytes {
  /** late: no header came in time, and the connection is taken all the same. */
  readonly reading: HeaderReading | 'late';
  /** The header's own bytes. */
  readonly header: Buffer;
}

/** Takes the header off the connection; whatever else has come goes back. */
function readFirst({ listener, runtime, socket }: PendingConnection): Promise<FirstBytes> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const finish = (reading: FirstBytes['reading']): void => {
      timer?.cancel();
      socket.removeListener('data', onData);
      socket.removeListener('end', onGone);
      socket.removeListener('close', onGone);
      socket.pause();
      const length = typeof reading === 'object' ? reading.length : 0;
      const rest = seen.subarray(length);
      if (rest.length > 0 && !socket.destroyed) socket.unshift(rest);
      resolve({ reading, header: seen.subarray(0, length) });
    };
    const onData = (chunk: Buffer): void => {
      seen = Buffer.concat([seen, chunk]);
      const reading = readProxyHeader(seen);
      if (reading !== 'incomplete') finish(reading);
    };
    const onGone = (): void => {
      listener?.stats.count('downstream_listener_filter_remote_close');
      finish('incomplete');
    };
    const onTimeout = (): void => {
      listener?.stats.count('downstream_pre_cx_timeout');
      finish(listener?.config.continuesUninspected === true ? 'late' : 'incomplete');
    };
    socket.on('data', onData);
    socket.on('end', onGone);
    socket.on('close', onGone);
    socket.on('error', () => undefined);
    const limitMs = listener?.config.inspectTimeoutMs ?? 0;
    const timer = limitMs > 0 ? runtime.clock.after(limitMs, onTimeout) : undefined;
    if (socket.destroyed) onGone();
  });
}
