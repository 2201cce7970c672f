import { randomUUID } from 'node:crypto';
import { responseFlags } from '#telemetry';
import { ConfigProblem } from '../config/problem.ts';
import { type Command, type CommandReader, type FormatSubject, text } from './subject.ts';

/** A command that takes no argument. */
const plain =
  (command: Command): CommandReader =>
  () =>
    command;

const underscored = (words: string): string => (words.includes(' ') ? words.replaceAll(' ', '_') : words);

/** A name that no cluster has is none. */
const rawCluster: Command = ({ info, runtime }) => {
  if (info.flags.includes('NC')) return undefined;
  // Where a filter answers, nobody has looked for the cluster yet.
  const missing = info.attempts === 0 && runtime !== undefined && runtime.clusters.get(info.cluster) === undefined;
  return missing ? undefined : text(info.cluster);
};

/** As statistics call it. */
const shownCluster: Command = (subject) => {
  const name = rawCluster(subject);
  if (name === undefined) return undefined;
  return text(subject.runtime?.clusters.get(subject.info.cluster)?.config.resource.alt_stat_name) ?? name;
};

/** As in Envoy, 0 for requests that met no connection. */
const upstreamConnection: Command = ({ info }) => info.upstreamConnection?.id ?? 0;

/** A list of one: as in Envoy, each try begins it anew. */
const connectionsTried: Command = ({ info: { upstreamConnection } }) =>
  upstreamConnection && String(upstreamConnection.id);

/** Envoy counts these for HTTP/3 only. */
const zero: Command = () => 0;

/** Why an entry is written: as a rule because all is over. */
export const accessLogType = ({ head, info }: FormatSubject): string =>
  info.logType || (head.protocol === '' ? 'TcpConnectionEnd' : 'DownstreamEnd');

const details: CommandReader = (argument) => {
  const written = argument === 'ALLOW_WHITESPACES' ? (told: string): string => told : underscored;
  return ({ info }) => (info.replaced && info.details === '' ? '' : text(written(info.details)));
};

/** What became of the stream, as a whole. */
export const STREAM_COMMANDS: Readonly<Record<string, CommandReader>> = {
  PROTOCOL: plain(({ head }) => text(head.protocol)),
  UPSTREAM_PROTOCOL: plain(({ info }) => text(info.upstreamProtocol)),
  RESPONSE_CODE: plain(({ info }) => info.status),
  RESPONSE_CODE_DETAILS: details,
  /** No flags have a text of their own, also where other values are left out. */
  RESPONSE_FLAGS: plain(({ info }) => (info.flags.length === 0 ? '-' : info.flags.join(','))),
  RESPONSE_FLAGS_LONG: plain(({ info }) =>
    info.flags.length === 0 ? '-' : info.flags.map((flag) => responseFlags[flag]?.name ?? flag).join(','),
  ),
  CONNECTION_TERMINATION_DETAILS: plain(({ info }) => text(info.connectionTerminationDetails)),
  UPSTREAM_TRANSPORT_FAILURE_REASON: plain(({ info }) => text(underscored(info.transportFailure))),
  DOWNSTREAM_TRANSPORT_FAILURE_REASON: plain(({ info }) => text(underscored(info.downstreamTransportFailure))),
  BYTES_RECEIVED: plain(({ info }) => info.bytesReceived),
  BYTES_SENT: plain(({ info }) => info.bytesSent),
  BYTES_RETRANSMITTED: plain(zero),
  PACKETS_RETRANSMITTED: plain(zero),
  UPSTREAM_CLUSTER: plain(shownCluster),
  UPSTREAM_CLUSTER_RAW: plain(rawCluster),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(({ info }) => info.attempts),
  ROUTE_NAME: plain(({ info }) => text(info.routeName)),
  VIRTUAL_CLUSTER_NAME: plain(({ info }) => text(info.virtualCluster)),
  LISTENER_NAME: plain(({ connection }) => text(connection.listener?.name)),
  FILTER_CHAIN_NAME: plain(({ connection }) => text(connection.chain?.name)),
  CONNECTION_ID: plain(({ connection }) => connection.id ?? 0),
  UPSTREAM_CONNECTION_ID: plain(upstreamConnection),
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: plain(connectionsTried),
  ROUTE_RESOLUTION_COUNT: plain(({ info }) => info.routeResolutions),
  STREAM_ID: plain(({ head }) => head.headers.get('x-request-id') ?? randomUUID()),
  UNIQUE_ID: plain(() => randomUUID()),
  TRACE_ID: plain(({ span }) => text(span?.traceId)),
  SPAN_ID: plain(({ span }) => text(span?.spanId)),
  LOCAL_REPLY_BODY: plain(({ info }) => info.localReplyBody),
  /** Set by filters outside Envoy's core. */
  CUSTOM_FLAGS: plain(() => ''),
  ACCESS_LOG_TYPE: plain(accessLogType),
  REQUESTED_SERVER_NAME: requestedServerName,
  TLS_JA3_FINGERPRINT: plain(({ connection }) => connection.fingerprints?.ja3),
  TLS_JA4_FINGERPRINT: plain(({ connection }) => connection.fingerprints?.ja4),
};

const HOST_SOURCES = new Set(['', 'ORIG', 'HOST', 'ORIG_OR_HOST']);

/** `SNI_ONLY` (default), or with the host of the request behind or before it. */
function requestedServerName(argument: string, field: string): Command {
  const [which = '', source = ''] = argument.split(':');
  const refused = (option: string, allowed: string): ConfigProblem =>
    new ConfigProblem(field, `Invalid REQUESTED_SERVER_NAME option: '${option}', only ${allowed} are allowed`);
  if (!['', 'SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'].includes(which)) {
    throw refused(which, "'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST'");
  }
  if (!HOST_SOURCES.has(source)) throw refused(source, "'ORIG_OR_HOST'/'HOST'/'ORIG'");
  const sni: Command = ({ connection }) => text(connection.requestedServerName);
  const host: Command = ({ head }) => {
    const original = source === 'HOST' ? undefined : head.headers.get('x-envoy-original-host');
    const name = original ?? (source === 'ORIG' ? '' : head.authority);
    return text(name);
  };
  if (which === 'HOST_FIRST') return (subject) => host(subject) ?? sni(subject);
  return which === 'SNI_FIRST' ? (subject) => sni(subject) ?? host(subject) : sni;
}
