import { ConfigProblem } from './problem.ts';
import { durationMs, record } from './values.ts';

/** When a log tells of a request or a connection besides at its end. */
export interface LogTimes {
  /** Once it is known what is asked for: a request with its route, a connection before anything. */
  readonly atStart: boolean;
  /** A tunnel: once the host has agreed. A connection: once it is joined to a host. */
  readonly onceOpen: boolean;
  /** 0: never in between. */
  readonly everyMs: number;
}

interface Names {
  readonly options: string;
  readonly start: string;
  readonly open: string;
}

const HTTP: Names = {
  options: 'access_log_options',
  start: 'flush_access_log_on_new_request',
  open: 'flush_log_on_tunnel_successfully_established',
};
const TCP: Names = {
  options: 'access_log_options',
  start: 'flush_access_log_on_start',
  open: 'flush_access_log_on_connected',
};
const EVERY = 'access_log_flush_interval';

/** Reads HcmAccessLogOptions, or the fields of the connection manager that came before it. */
export const httpLogTimes = (config: object): LogTimes => read(config, HTTP);
/** Reads TcpAccessLogOptions, or the fields of the TCP proxy that came before it. */
export const tcpLogTimes = (config: object): LogTimes => read(config, TCP);

function read(config: object, { options, start, open }: Names): LogTimes {
  const fields = config as Readonly<Record<string, unknown>>;
  const given = record(fields[options]);
  for (const field of [start, open, EVERY]) {
    if (given !== undefined && fields[field] !== undefined && fields[field] !== false)
      throw new ConfigProblem(field, `Only one of ${field} or ${options} can be specified.`);
  }
  const from = given ?? fields;
  const everyMs = durationMs(from[EVERY] as string | undefined, EVERY, 0);
  if (from[EVERY] !== undefined && everyMs < 1)
    throw new ConfigProblem(EVERY, 'value must be greater than or equal to 0.001s');
  return { atStart: from[start] === true, onceOpen: from[open] === true, everyMs };
}
