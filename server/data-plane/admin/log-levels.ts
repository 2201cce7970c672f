const LEVELS = ['trace', 'debug', 'info', 'warning', 'error', 'critical', 'off'] as const;
export type LogLevel = (typeof LEVELS)[number];

/** The loggers that learners ask for by `istioctl proxy-config log`, among Envoy's. */
const LOGGERS = [
  'admin',
  'client',
  'config',
  'conn_handler',
  'connection',
  'ext_authz',
  'filter',
  'forward_proxy',
  'hc',
  'health_checker',
  'http',
  'http2',
  'jwt',
  'main',
  'pool',
  'rbac',
  'router',
  'runtime',
  'stats',
  'tracing',
  'upstream',
  'wasm',
] as const;

const DEFAULT: LogLevel = 'warning';

/** The levels of a proxy's loggers, as `POST /logging` reads and changes them. */
export class LogLevels {
  readonly #levels = new Map<string, LogLevel>(LOGGERS.map((name) => [name, DEFAULT]));

  list(): readonly (readonly [name: string, level: LogLevel])[] {
    return [...this.#levels];
  }

  levelOf(logger: string): LogLevel {
    return this.#levels.get(logger) ?? DEFAULT;
  }

  /** Changes all that the query names, or nothing when one of it is wrong; then the reason is returned. */
  change(query: URLSearchParams): string | undefined {
    const wanted = new Map<string, string>();
    for (const [key, value] of query) {
      if (key === 'level') for (const name of LOGGERS) wanted.set(name, value);
      else if (key === 'paths') for (const pair of value.split(',')) wanted.set(...split(pair));
      else wanted.set(key, value);
    }
    for (const [name, level] of wanted) {
      if (!this.#levels.has(name)) return `error: unknown logger name ${name}`;
      if (!isLevel(level)) return `error: unknown logger level ${level}; levels are ${LEVELS.join(', ')}`;
    }
    for (const [name, level] of wanted) if (isLevel(level)) this.#levels.set(name, level);
    return undefined;
  }
}

const isLevel = (text: string): text is LogLevel => LEVELS.some((level) => level === text);

function split(pair: string): [string, string] {
  const [name = '', level = ''] = pair.split(':');
  return [name, level];
}
