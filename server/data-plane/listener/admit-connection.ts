import { recordRefusal } from '../decisions/refusal-record.ts';
import { emptyBucket } from '../guards/admissions.ts';
import { ConnectionLog } from './connection-log.ts';
import type { ConnectionLayer } from './pending-connection.ts';
import { closeLater, turnAway } from './turn-away.ts';

/** Lets no more connections in than the listener's own bucket allows (Envoy: the local_ratelimit listener filter). */
export const limitRate: ConnectionLayer = (connection) => {
  const { listener, runtime, socket } = connection;
  if (listener?.rate === undefined || listener.rate.take()) return 'next';
  const { name, rateLimit } = listener.config;
  if (rateLimit === undefined) return 'next';
  runtime.stats.stat(`listener_local_ratelimit.${rateLimit.statPrefix}.rate_limited`).value++;
  connection.note('listener', 'stopped', name, () => emptyBucket(rateLimit.limit));
  recordRefusal(connection, { details: 'listener_local_ratelimit' });
  turnAway(socket);
  return 'stop';
};

/** Why a connection is closed, as Envoy says it. */
const CLOSE_REASONS: Readonly<Record<string, string>> = {
  'envoy.filters.network.connection_limit': 'over_connection_limit',
  'envoy.filters.network.local_ratelimit': 'local_ratelimit_close_over_limit',
};

/** Counts the connection at the network filters that limit how many there are. Those that are too many are closed before TLS begins. */
export const admitConnection: ConnectionLayer = (connection) => {
  const { listener, chain, runtime, socket } = connection;
  if (listener === undefined || chain === undefined || chain.filter.admissions.length === 0) return 'next';
  const { refusal, leave } = listener.admissionsOf(chain).admit();
  socket.once('close', leave);
  if (socket.destroyed) leave();
  if (refusal === undefined) return 'next';
  const log = ConnectionLog.of(connection);
  const ended = listener.stats.connectionBegan(() => runtime.clock.monotonic());
  socket.once('close', () => {
    ended();
    log?.write(undefined);
  });
  listener.handlerOf(chain).turnedAway(socket);
  connection.note('filter_chain', 'stopped', refusal.filter, () => refusal.note);
  recordRefusal(connection, { details: refusal.filter, flag: refusal.flag });
  if (refusal.flag !== undefined) log?.info.flag(refusal.flag);
  log?.info.closes(CLOSE_REASONS[refusal.filter] ?? '');
  // As in Envoy, a TCP proxy behind the filter has thought of a host by then.
  if (log?.info.ending !== undefined && chain.filter.kind === 'tcp') log.info.ending.upstream = 'Normal';
  closeLater(runtime.clock, socket, { delayMs: refusal.delayMs, close: () => turnAway(socket) });
  return 'stop';
};
