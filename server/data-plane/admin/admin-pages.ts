import { RE2JS } from 're2js';
import type { Clock } from '#domain';
import type { ProxyNode } from '#xds';
import type { ProxyAdmin } from '../doors.ts';
import { histogramText } from '../stats/histogram.ts';
import type { IstioMetrics } from '../stats/istio-metrics.ts';
import { prometheusText } from '../stats/prometheus.ts';
import { shownNames } from '../stats/shown-names.ts';
import type { Stats } from '../stats/stats.ts';
import type { UpstreamCluster } from '../upstream/cluster.ts';
import { clusterStatuses, clustersText } from './cluster-pages.ts';
import type { LogLevels } from './log-levels.ts';

export interface PageContext {
  readonly admin: ProxyAdmin;
  readonly clusters: () => readonly UpstreamCluster[];
  readonly stats: Stats;
  readonly metrics: IstioMetrics;
  readonly clock: Clock;
  readonly startedAtMs: number;
  readonly ready: () => boolean;
  readonly node: ProxyNode;
  readonly logging: LogLevels;
  /** Listeners take no more connections; what is open ends after its current request. */
  readonly drainListeners: () => void;
}

export interface Page {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain';
  readonly body: string;
}

interface PageEntry {
  readonly help: string;
  /** Changes something, so it answers POST only. */
  readonly post?: true;
  readonly render: (context: PageContext, query: URLSearchParams) => Page;
}

const text = (body: string, status = 200): Page => ({ status, type: 'text/plain', body });
const json = (value: unknown): Page => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value, null, 1)}\n`,
});

/** The pages of port 15000, by path; `/help` lists them. */
export const ADMIN_PAGES: Readonly<Record<string, PageEntry>> = {
  '/certs': { help: 'print certs on machine', render: ({ admin }) => json(certificates(admin)) },
  '/clusters': { help: 'upstream cluster status', render: ({ clusters }, query) => clustersPage(clusters, query) },
  '/config_dump': { help: 'dump current Envoy configs', render: ({ admin }, query) => configDumpPage(admin, query) },
  '/drain_listeners': {
    help: 'drain listeners',
    post: true,
    render: ({ drainListeners }) => {
      drainListeners();
      return text('OK\n');
    },
  },
  '/help': { help: 'print out list of admin commands', render: () => text(helpText()) },
  '/listeners': { help: 'print listener info', render: ({ admin }, query) => listeners(admin, query) },
  '/logging': {
    help: 'query/change logging levels',
    post: true,
    render: ({ logging }, query) => loggingPage(logging, query),
  },
  '/ready': {
    help: 'print server state, return 200 if LIVE, otherwise return 503',
    render: ({ ready }) => (ready() ? text('LIVE\n') : text('PRE_INITIALIZING\n', 503)),
  },
  '/reset_counters': {
    help: 'reset all counters to zero',
    post: true,
    render: ({ stats }) => {
      stats.reset();
      return text('OK\n');
    },
  },
  '/server_info': { help: 'print server version/status information', render: (context) => json(serverInfo(context)) },
  '/stats': { help: 'print server stats', render: statsPage },
  '/stats/prometheus': {
    help: 'print server stats in prometheus format',
    render: (context, query) => statsPage(context, new URLSearchParams([...query, ['format', 'prometheus']])),
  },
};

/** Renders the page of a path, or Envoy's answer for an unknown one. */
export function renderPage(context: PageContext, method: string, url: URL): Page {
  const entry = ADMIN_PAGES[url.pathname];
  if (entry === undefined) return text(`invalid path. ${helpText()}`, 404);
  if (entry.post && method !== 'POST') return text(`Method ${method} not allowed, POST required.`, 405);
  return entry.render(context, url.searchParams);
}

function helpText(): string {
  const lines = Object.entries(ADMIN_PAGES).map(
    ([path, { help, post }]) => `  ${path}${post ? ' (POST)' : ''}: ${help}\n`,
  );
  return `admin commands are:\n${lines.join('')}`;
}

function configDumpPage(admin: ProxyAdmin, query: URLSearchParams): Page {
  const wanted = query.get('resource');
  if (wanted === null) return json(admin.configDump());
  const { configs = [] } = admin.configDump() as { configs?: Record<string, unknown>[] };
  const found = configs.flatMap((config) => (Array.isArray(config[wanted]) ? config[wanted] : []));
  return found.length > 0 ? json({ configs: found }) : text(`${wanted} not found in config dump\n`, 404);
}

function listeners(admin: ProxyAdmin, query: URLSearchParams): Page {
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

const clustersPage = (clusters: () => readonly UpstreamCluster[], query: URLSearchParams): Page =>
  query.get('format') === 'json'
    ? json({ cluster_statuses: clusterStatuses(clusters()) })
    : text(clustersText(clusters()));

function certificates(admin: ProxyAdmin): object {
  const entries = admin.secrets().map((secret) => ({
    path: '<inline>',
    serial_number: secret.serialNumber,
    subject_alt_names: secret.spiffeId === '' ? [] : [{ uri: secret.spiffeId }],
    valid_from: secret.notBefore,
    expiration_time: secret.notAfter,
    name: secret.name,
  }));
  const of = (name: string): object[] =>
    entries.filter((entry) => entry.name === name).map(({ name: _name, ...shown }) => shown);
  return { certificates: [{ ca_cert: of('ROOTCA'), cert_chain: of('default') }] };
}

function serverInfo({ clock, ready, startedAtMs, node }: PageContext): object {
  const uptime = `${Math.floor((clock.now() - startedAtMs) / 1000)}s`;
  return {
    version: 'meshwork-proxy',
    state: ready() ? 'LIVE' : 'PRE_INITIALIZING',
    uptime_current_epoch: uptime,
    uptime_all_epochs: uptime,
    command_line_options: {},
    node: { id: node.id, cluster: node.cluster, metadata: node.metadata },
  };
}

/** `?level=debug` sets all loggers, `?connection=trace` one, `?paths=a:b,c:d` several; without a parameter all are listed. */
function loggingPage(logging: LogLevels, query: URLSearchParams): Page {
  const problem = logging.change(query);
  if (problem !== undefined) return text(`${problem}\n`, 400);
  return text(
    `active loggers:\n${logging
      .list()
      .map(([name, level]) => `  ${name}: ${level}\n`)
      .join('')}\n`,
  );
}

/** `?filter=` is an RE2 expression that may match anywhere in a name; `?usedonly` leaves out what was never counted. */
function statsPage({ stats, metrics, clusters }: PageContext, query: URLSearchParams): Page {
  const filter = query.get('filter');
  let pattern: RE2JS | undefined;
  try {
    pattern = filter === null ? undefined : RE2JS.compile(filter);
  } catch {
    // The expression is the caller's: the answer names it, the compiler's reason adds nothing that Envoy would tell.
    return text('Invalid re2 regex\n', 400);
  }
  const usedOnly = query.has('usedonly');
  const matches = (name: string): boolean => pattern?.matcher(name).find() ?? true;
  const shown = shownNames(clusters().map(({ config }) => config));
  const gauges = new Set<string>();
  const figures = [...stats.complete()].flatMap(([own, value]) => {
    const name = shown(own);
    if (stats.isGauge(own)) gauges.add(name);
    return (!usedOnly || value !== 0) && matches(name) ? [[name, value] as const] : [];
  });
  const histograms = [...stats.histograms()]
    .map(([name, histogram]) => [shown(name), histogram] as const)
    .filter(([name, { count }]) => (!usedOnly || count > 0) && matches(name));
  if (query.get('format') === 'prometheus') {
    const isGauge = (name: string): boolean => gauges.has(name);
    return text(prometheusText({ figures, histograms, isGauge }, pattern === undefined ? metrics : undefined));
  }
  if (query.get('format') === 'json') return json({ stats: figures.map(([name, value]) => ({ name, value })) });
  const lines = figures.map(([name, value]) => `${name}: ${value}\n`);
  const times = histograms.map(([name, histogram]) => `${name}: ${histogramText(histogram)}\n`);
  return text([...lines, ...times].join(''));
}
