import { X509Certificate } from 'node:crypto';
import type { ProxySecret } from '../doors.ts';
import { parseSubjectAltNames } from '../tls/index.ts';
import { BUILD } from './config-dump.ts';
import { LOGGING_USAGE } from './log-levels.ts';
import { json, type Page, type PageContext, text } from './page.ts';

const DAY_MS = 86_400_000;

/**
 * `/certs`: the workload's certificate and the bundle that it trusts; then those that the control plane serves. Source:
 * ContextImpl::certificateDetails in Envoy.
 */
export function certificates({ admin, clock }: PageContext): Page {
  const entry = (secret: ProxySecret): object => ({
    path: '<inline>',
    serial_number: secret.serialNumber,
    subject_alt_names: namesOf(secret),
    days_until_expiration: String(Math.max(0, Math.floor((Date.parse(secret.notAfter) - clock.now()) / DAY_MS))),
    valid_from: seconds(secret.notBefore),
    expiration_time: seconds(secret.notAfter),
  });
  const secrets = admin.secrets();
  const named = (name: string): object[] => secrets.filter((secret) => secret.name === name).map(entry);
  const served = secrets.filter(({ name }) => name !== 'default' && name !== 'ROOTCA');
  return json({
    certificates: [
      { ca_cert: named('ROOTCA'), cert_chain: named('default') },
      ...served.map((secret) =>
        secret.type === 'CA'
          ? { ca_cert: [entry(secret)], cert_chain: [] }
          : { ca_cert: [], cert_chain: [entry(secret)] },
      ),
    ],
  });
}

/** Names of other kinds are not shown. */
function namesOf({ pem }: ProxySecret): object[] {
  const { dns, ips, uris } = parseSubjectAltNames(new X509Certificate(pem).subjectAltName);
  return [
    ...dns.map((name) => ({ dns: name })),
    ...uris.map((uri) => ({ uri })),
    ...ips.map((address) => ({ ip_address: address })),
  ];
}

/** Certificates tell whole seconds. */
const seconds = (time: string): string => time.replace(/\.\d+Z$/, 'Z');

const stateOf = ({ ready, health }: PageContext): 'LIVE' | 'DRAINING' | 'PRE_INITIALIZING' => {
  if (!ready()) return 'PRE_INITIALIZING';
  return health.failed ? 'DRAINING' : 'LIVE';
};

/** How the proxy was started, in Envoy's words. */
const OPTIONS = {
  base_id: '0',
  concurrency: 1,
  config_path: '',
  config_yaml: '',
  allow_unknown_static_fields: true,
  reject_unknown_dynamic_fields: false,
  ignore_unknown_dynamic_fields: true,
  admin_address_path: '',
  local_address_ip_version: 'v4',
  log_level: 'warning',
  component_log_level: '',
  log_format: '',
  log_format_escaped: false,
  log_path: '',
  service_cluster: '',
  service_node: '',
  service_zone: '',
  file_flush_interval: '0s',
  drain_time: '45s',
  drain_strategy: 'Immediate',
  parent_shutdown_time: '60s',
  mode: 'Serve',
  disable_hot_restart: true,
  enable_mutex_tracing: false,
  restart_epoch: 0,
  cpuset_threads: false,
  disabled_extensions: [],
  enable_fine_grain_logging: false,
  enable_core_dump: false,
  stats_tag: [],
} as const;

export function serverInfo(context: PageContext): Page {
  const { clock, startedAtMs, node } = context;
  const uptime = `${Math.floor((clock.now() - startedAtMs) / 1000)}s`;
  return json({
    version: 'meshwork-proxy',
    state: stateOf(context),
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    hot_restart_version: 'disabled',
    command_line_options: OPTIONS,
    node: { id: node.id, cluster: node.cluster, metadata: node.metadata, ...BUILD },
    hot_restart_initializing: false,
  });
}

export function readiness(context: PageContext): Page {
  const state = stateOf(context);
  return text(`${state}\n`, state === 'LIVE' ? 200 : 503);
}

/** `?level=debug` sets all loggers, `?connection=trace` one, `?paths=a:b,c:d` several; without a parameter all are listed. */
export function loggingPage({ logging }: PageContext, query: URLSearchParams): Page {
  const problem = logging.change(query);
  const lines = logging.list().map(([name, level]) => `  ${name}: ${level}\n`);
  const list = `active loggers:\n${lines.join('')}\n`;
  return problem === undefined ? text(list) : text(`${problem}\n${LOGGING_USAGE}${list}`, 400);
}

export function listeners({ admin }: PageContext, query: URLSearchParams): Page {
  const rows = (
    admin.listeners() as { name: string; address?: { socket_address?: { address: string; port_value: number } } }[]
  ).map(({ name, address }) => ({ name, socket: address?.socket_address }));
  if (query.get('format') === 'json') {
    return json({
      listener_statuses: rows.map(({ name, socket }) => ({ name, local_address: { socket_address: socket } })),
    });
  }
  return text(rows.map(({ name, socket }) => `${name}::${socket?.address}:${socket?.port_value}\n`).join(''));
}
