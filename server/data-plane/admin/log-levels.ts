const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** The loggers of Envoy 1.40, in its order. Source: source/common/common/logger.h. */
const LOGGERS = (
  'a2a admin ai_protocol_manager alternate_protocols_cache aws assert backtrace basic_auth cache_filter client config connection ' +
  'conn_handler compression credential_injector decompression dns dubbo envoy_bug ext_authz ext_proc rocketmq file filter ' +
  'forward_proxy geolocation grpc happy_eyeballs hc health_checker http http2 hystrix init io jwt json_rpc kafka ' +
  'key_value_store lua local_rate_limit main matcher mcp misc mongo multi_connection notification oauth2 quic quic_stream pool ' +
  'rate_limit_quota rbac rds redis router runtime stats secret sse tap testing thrift tracing upstream udp wasm websocket ' +
  'golang stats_sinks dynamic_modules ip_tagging'
).split(' ');

const DEFAULT: LogLevel = 'warning';
/** What Istio's agent sets apart (`--component-log-level misc:error`). */
const SET_APART: Readonly<Record<string, LogLevel>> = { misc: 'error' };

/** The levels of a proxy's loggers, as `POST /logging` reads and changes them. */
export class LogLevels {
  /** Loggers at `debug` or below: usually none, which costs requests nothing. */
  readonly #verbose = new Set<string>();
  readonly #levels = new Map<string, LogLevel>(LOGGERS.map((name) => [name, SET_APART[name] ?? DEFAULT]));

  list(): readonly (readonly [name: string, level: LogLevel])[] {
    return [...this.#levels];
  }

  levelOf(logger: string): LogLevel {
    return this.#levels.get(logger) ?? DEFAULT;
  }

  /** Whether a logger writes what it writes at `debug`. */
  isDebug(logger: string): boolean {
    return this.#verbose.size > 0 && this.#verbose.has(logger);
  }

  /**
   * Takes one parameter (`level`, `paths` or a logger's name), changes all that it names, or nothing when one of it is wrong: then Envoy's
   * reason is returned. Source: LogsHandler in source/server/admin/logs_handler.cc.
   */
  change(query: URLSearchParams): string | undefined {
    const parameters = [...query];
    if (parameters.length > 1) return 'error: invalid number of parameters';
    const [key = '', value = ''] = parameters[0] ?? [];
    if (key === 'group') return 'error: group parameter requires fine-grain logging to be enabled';
    // An empty level is a question.
    if (key === '' || (key === 'level' && value === '')) return undefined;
    if (key === 'level') return this.#set(LOGGERS.map((name) => [name, value]));
    if (key !== 'paths') return this.#set([[key, value]]);
    if (value === '') return undefined;
    const wanted = value.split(',').map(split);
    if (wanted.some(([name, level]) => name === '' || level === '')) {
      return 'error: empty logger name or empty logger level';
    }
    return this.#set(wanted);
  }

  #set(wanted: readonly (readonly [name: string, level: string])[]): string | undefined {
    for (const [name, level] of wanted) {
      if (!isLevel(level)) return 'error: unknown logger level';
      if (!this.#levels.has(name)) return 'error: unknown logger name';
    }
    for (const [name, level] of wanted) {
      if (!isLevel(level)) continue;
      this.#levels.set(name, level);
      if (level === 'debug' || level === 'trace') this.#verbose.add(name);
      else this.#verbose.delete(name);
    }
    return undefined;
  }
}

/** What follows a reason why nothing was changed. */
export const LOGGING_USAGE = `
usage: /logging?<name>=<level> (change single level)
usage: /logging?paths=name1:level1,name2:level2,... (change multiple levels)
usage: /logging?level=<level> (change all levels)
usage: /logging?group=<group_name>:<level> (change group of loggers)
levels: ${LEVELS.join(' ')} 
`;

const isLevel = (text: string): text is LogLevel => LEVELS.some((level) => level === text);

function split(pair: string): [string, string] {
  const [name = '', level = ''] = pair.split(':');
  return [name, level];
}
