import type { Admission } from '../config/guard-config.ts';
import type { CompiledListener } from '../config/listener-config.ts';
import type { TerminalConfig } from '../config/network-filter.ts';
import type { TlsFacts } from '../http/codec.ts';
import type { Inspection } from '../tls/index.ts';
import {
  CONNECTION_AUTHORIZER_NAMES,
  FILTER_NAMES,
  HTTP_HISTOGRAMS,
  HTTP_INSPECTOR_NAMES,
  HTTP_NAMES,
  LISTENER_HISTOGRAMS,
  LISTENER_HTTP_NAMES,
  LISTENER_NAMES,
  PROXY_PROTOCOL_NAMES,
  SSL_CONTEXT_NAMES,
  SSL_NAMES,
  TCP_NAMES,
  TLS_INSPECTOR_NAMES,
  TRACING_NAMES,
  TUNNELING_NAMES,
} from './declared-names.ts';
import { countUnreadAddresses, declareFilters } from './filter-stats.ts';
import { declareRouteFigures } from './route-figures.ts';
import type { Stats } from './stats.ts';

/** `listener.<address>.` */
export const listenerPrefix = ({ address }: Pick<CompiledListener, 'address'>): string =>
  `listener.${address.ip}_${address.port}.`;

/** The figures of one listener's connections; handed on to a listener that takes its place. */
export class ListenerStats {
  readonly #stats: Stats;
  readonly #prefix: string;

  static of(stats: Stats, listener: CompiledListener): ListenerStats {
    const prefix = listenerPrefix(listener);
    const found = stats.shared(prefix, () => new ListenerStats(stats, prefix));
    const chains = [...listener.chains, listener.defaultChain].filter((chain) => chain !== undefined);
    for (const { filter } of chains) declareChain(stats, prefix, filter);
    for (const { name } of listener.resource.listener_filters ?? []) {
      const names = INSPECTORS[name];
      if (names !== undefined) stats.declare(`${name.split('.').at(-1)}.`, names);
    }
    const { proxyProtocol, rateLimit } = listener;
    if (proxyProtocol !== undefined) {
      stats.declare(`proxy_proto.${proxyProtocol.statPrefix}`, PROXY_PROTOCOL_NAMES);
      stats.declare('downstream_cx_', ['proxy_proto_error']);
    }
    if (rateLimit !== undefined) stats.declare(`listener_local_ratelimit.${rateLimit.statPrefix}.`, ['rate_limited']);
    if (chains.some(({ tls }) => tls !== undefined)) {
      stats.declare(`${prefix}ssl.`, SSL_NAMES);
      stats.declare(`${prefix}server_ssl_socket_factory.`, SSL_CONTEXT_NAMES);
    }
    return found;
  }

  private constructor(stats: Stats, prefix: string) {
    this.#stats = stats;
    this.#prefix = prefix;
    stats.declare(prefix, LISTENER_NAMES, LISTENER_HISTOGRAMS);
  }

  count(name: string): void {
    this.#stats.stat(this.#prefix + name).value++;
  }

  /** Its own port took a connection, whatever becomes of it. */
  accepted(): void {
    this.#stats.histogram(`${this.#prefix}connections_accepted_per_socket_event`).record(1);
  }

  /** Listener filters look at it; returns how to say that they are done. */
  inspected(): () => void {
    const active = this.#stats.level(`${this.#prefix}downstream_pre_cx_active`);
    active.value++;
    return () => active.value--;
  }

  /** What its first bytes were. */
  seen(
    { transport, serverName, alpn }: Pick<Inspection, 'transport' | 'serverName' | 'alpn'>,
    looked: { readonly forTls: boolean; readonly forHttp: boolean },
  ): void {
    const isTls = transport === 'tls';
    if (looked.forTls) {
      const found = (what: string, is: boolean): number =>
        this.#stats.stat(`tls_inspector.${what}_${is ? 'found' : 'not_found'}`).value++;
      found('tls', isTls);
      if (isTls) found('sni', serverName !== '');
      if (isTls) found('alpn', alpn.length > 0);
    }
    if (!looked.forHttp || isTls) return;
    this.#stats.stat(`http_inspector.${HTTP_FOUND[alpn[0] ?? ''] ?? 'http_not_found'}`).value++;
  }

  /** A filter chain took it; returns how to say that it is over. */
  connectionBegan(now: () => number): () => void {
    this.count('downstream_cx_total');
    const active = this.#stats.level(`${this.#prefix}downstream_cx_active`);
    active.value++;
    const all = this.#stats.level('server.total_connections');
    all.value++;
    const began = now();
    return () => {
      active.value--;
      all.value--;
      this.count('downstream_cx_destroy');
      this.#stats.histogram(`${this.#prefix}downstream_cx_length_ms`).record(now() - began);
    };
  }

  handshake(tls: TlsFacts | undefined): void {
    countHandshake(tls, (name) => this.count(name));
  }
}

/** What serves a chain is made with its first connection; its names are shown before. */
function declareChain(stats: Stats, prefix: string, filter: TerminalConfig): void {
  for (const admission of filter.admissions) declareAdmission(stats, admission);
  for (const guard of filter.guards) {
    if (guard.kind === 'rbac') {
      stats.declare(`${guard.config.statPrefix}rbac.`, [...FILTER_NAMES.rbac, ...FILTER_NAMES.shadow_rbac]);
      countUnreadAddresses(stats, guard.config);
    }
    if (guard.kind === 'ext_authz') stats.declare(`ext_authz.${guard.config.statPrefix}.`, CONNECTION_AUTHORIZER_NAMES);
  }
  if (filter.kind === 'plain') return;
  if (filter.kind === 'tcp') {
    stats.declare(`tcp.${filter.statPrefix}.`, TCP_NAMES);
    if (filter.tunnel !== undefined) stats.declare(`tcp.${filter.statPrefix}.tcpproxy_tunneling.`, TUNNELING_NAMES);
    return;
  }
  const own = `http.${filter.statPrefix}.`;
  stats.declare(own, HTTP_NAMES, HTTP_HISTOGRAMS);
  stats.declare(prefix + own, LISTENER_HTTP_NAMES);
  declareFilters(stats, own, filter.filters);
  if ('table' in filter.routes) declareRouteFigures(stats, filter.routes.table);
  const format = filter.tracing?.collector?.format;
  if (format === undefined) return;
  if (format === 'zipkin') stats.declare('tracing.zipkin.', TRACING_NAMES.zipkin);
  else stats.declare('tracing.opentelemetry.', TRACING_NAMES.opentelemetry);
}

function declareAdmission(stats: Stats, { kind, statPrefix }: Admission): void {
  if (kind === 'local_ratelimit') stats.declare(`local_rate_limit.${statPrefix}.`, ['rate_limited']);
  else stats.declare(`connection_limit.${statPrefix}.`, ['active_connections', 'limited_connections']);
}

/** Listener filters that look at first bytes; their figures are those of all listeners together. */
const INSPECTORS: Readonly<Record<string, readonly string[]>> = {
  'envoy.filters.listener.tls_inspector': TLS_INSPECTOR_NAMES,
  'envoy.filters.listener.http_inspector': HTTP_INSPECTOR_NAMES,
};

const HTTP_FOUND: Readonly<Record<string, string>> = {
  'http/1.0': 'http10_found',
  'http/1.1': 'http11_found',
  h2c: 'http2_found',
};

/** Figures of a handshake that succeeded, of listeners and of clusters alike. */
export function countHandshake(tls: TlsFacts | undefined, count: (name: string) => void): void {
  if (tls === undefined) return;
  count('ssl.handshake');
  if (tls.resumed === true) count('ssl.session_reused');
  count(`ssl.versions.${tls.version}`);
  count(`ssl.ciphers.${tls.cipher}`);
  if (tls.peerCertificateHash === '') count('ssl.no_certificate');
}
