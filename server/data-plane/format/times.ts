import { ConfigProblem } from '../config/problem.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { checkTimeFormat, formatTime } from './strftime.ts';
import type { Command, CommandReader, FormatSubject } from './subject.ts';

/** Busy proxies begin many requests in one millisecond, or second: its text is made once. */
function remembered(make: (time: number) => string): (time: number) => string {
  let last = Number.NaN;
  let lastText = '';
  return (time) => {
    if (time !== last) {
      last = time;
      lastText = make(time);
    }
    return lastText;
  };
}

/** `2026-11-26T13:00:00.` */
const isoSecond = remembered((second) => new Date(second * 1000).toISOString().slice(0, -'000Z'.length));
const MILLISECONDS: readonly string[] = Array.from({ length: 1000 }, (_, ms) => `${String(ms).padStart(3, '0')}Z`);

/** As `toISOString`, which costs as much as all the rest of an entry. */
function isoTime(ms: number): string {
  const second = Math.floor(ms / 1000);
  return isoSecond(second) + MILLISECONDS[Math.floor(ms) - second * 1000]!;
}

const wallTime =
  (msOf: (subject: FormatSubject) => number, zone: 'utc' | 'local'): CommandReader =>
  (argument, field) => {
    checkTimeFormat(argument, field);
    const make =
      argument === '' && zone === 'utc'
        ? isoTime
        : (ms: number): string => formatTime(ms, argument === '' ? '%Y-%m-%dT%H:%M:%E3S%z' : argument, zone);
    const write = remembered(make);
    return (subject) => write(msOf(subject));
  };

const startedMs = ({ info }: FormatSubject): number => info.startMs;
/** Entries are written when the stream ends. */
const emittedMs = ({ info }: FormatSubject): number => info.startMs + Math.round(info.durationMs);

/** Milliseconds since the stream began, negative for what was before; undefined for what has not happened. */
type Point = (subject: FormatSubject) => number | undefined;

const since = (at: number | undefined, { startedAt }: StreamInfo): number | undefined =>
  at === undefined ? undefined : at - startedAt;

const POINTS: Readonly<Record<string, Point>> = {
  DS_RX_BEG: () => 0,
  DS_CX_BEG: ({ connection, info }) => since(connection.beganAt, info),
  DS_HS_BEG: ({ connection, info }) => since(connection.handshakeAt, info),
  DS_HS_END: ({ connection, info }) => since(connection.securedAt, info),
  // A request begins here once its head is there.
  DS_RX_HDR_END: ({ head }) => (head.method === '' ? undefined : 0),
  DS_RX_END: ({ info }) => info.times?.requestReceived,
  US_CX_BEG: ({ info }) => since(info.upstreamConnection?.begunAt, info),
  US_CX_END: ({ info }) => since(info.upstreamConnection?.connectedAt, info),
  US_HS_END: ({ info }) => since(info.upstreamConnection?.securedAt, info),
  US_TX_BEG: ({ info }) => info.times?.requestBegun,
  US_TX_END: ({ info }) => info.times?.requestSent,
  US_RX_BEG: ({ info }) => info.times?.responseBegun,
  US_RX_BODY_BEG: ({ info }) => info.times?.responseBodyBegun,
  US_RX_END: ({ info }) => info.times?.responseReceived,
  DS_TX_BEG: ({ info }) => info.times?.answerBegun,
  DS_TX_END: ({ head, info }) => (head.protocol === '' || info.logType === 'NotSet' ? undefined : info.durationMs),
  // The line of a request is written before its connection ends; as in Envoy, a listener's says nothing of it either.
  DS_CX_END: ({ head, info }) => (head.protocol === '' && info.logType === '' ? info.durationMs : undefined),
};

const PER_MS: Readonly<Record<string, number>> = { ms: 1, us: 1000, ns: 1_000_000 };

/** Points of other names are those that filters set; none here does. */
const NEVER: Point = () => undefined;

const commonDuration: CommandReader = (argument, field) => {
  const [from = '', to, unit = 'ms', further] = argument.split(':');
  if (to === undefined || further !== undefined)
    throw new ConfigProblem(field, `Invalid common duration configuration: ${argument}.`);
  const perMs = PER_MS[unit];
  if (perMs === undefined) throw new ConfigProblem(field, `Invalid common duration precision: ${unit}.`);
  return between(POINTS[from] ?? NEVER, POINTS[to] ?? NEVER, perMs);
};

function between(begin: Point, end: Point, perMs = 1): Command {
  return (subject) => {
    const [from, to] = [begin(subject), end(subject)];
    // As in Envoy, what lies before its beginning took no time that could be told.
    return from === undefined || to === undefined || to < from ? undefined : Math.round((to - from) * perMs);
  };
}

const sinceStart = (end: Point): CommandReader => {
  const command = between(() => 0, end);
  return () => command;
};

const responseTx = between(POINTS['US_RX_BEG']!, POINTS['DS_TX_END']!);

/** When things happened, and how long they took, in milliseconds unless told otherwise. */
export const TIME_COMMANDS: Readonly<Record<string, CommandReader>> = {
  START_TIME: wallTime(startedMs, 'utc'),
  START_TIME_LOCAL: wallTime(startedMs, 'local'),
  EMIT_TIME: wallTime(emittedMs, 'utc'),
  EMIT_TIME_LOCAL: wallTime(emittedMs, 'local'),
  DURATION:
    () =>
    ({ info }) =>
      Math.round(info.durationMs),
  COMMON_DURATION: commonDuration,
  REQUEST_DURATION: sinceStart(POINTS['DS_RX_END']!),
  REQUEST_TX_DURATION: sinceStart(POINTS['US_TX_END']!),
  RESPONSE_DURATION: sinceStart(POINTS['US_RX_BEG']!),
  RESPONSE_TX_DURATION: () => responseTx,
  UPSTREAM_CONNECTION_POOL_READY_DURATION:
    () =>
    ({ info }) =>
      rounded(info.times?.poolReady),
  /** Counted from where the stream begins: as in Envoy, of a request on a connection that was there before it is below zero. */
  DOWNSTREAM_HANDSHAKE_DURATION:
    () =>
    ({ connection, info }) =>
      whole(since(connection.securedAt, info)),
  ROUTE_RESOLUTION_TIME_US:
    () =>
    ({ info }) =>
      info.times?.routeResolution,
  /** HTTP/3 only. */
  ROUNDTRIP_DURATION: () => () => undefined,
};

/** Without its fraction, and never minus zero. */
const whole = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.trunc(ms) + 0);
const rounded = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : Math.round(ms));
