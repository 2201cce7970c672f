import { clusterStatuses, clustersText } from './cluster-pages.ts';
import { configDumpPage } from './config-dump-page.ts';
import {
  compileRe2,
  type DrainRequest,
  html,
  json,
  OK,
  type Page,
  type PageContext,
  type PageEntry,
  text,
} from './page.ts';
import { PROGRAM_PAGES } from './program-pages.ts';
import { certificates, listeners, loggingPage, readiness, serverInfo } from './server-pages.ts';
import { prometheusPage, statsPage } from './stats-page.ts';

const FILTER = 'Regular expression (Google re2) for filtering stats';
const INVERT = 'Invert the filter regex';
const USED = 'Only include stats that have been written by system since restart';

/** Pages about the proxy and its traffic. */
const PROXY_PAGES: Readonly<Record<string, PageEntry>> = {
  '/': { help: 'Admin home page', render: () => html(homePage()) },
  '/certs': { help: 'print certs on machine', render: certificates },
  '/clusters': {
    help: 'upstream cluster status',
    parameters: {
      filter: 'Regular expression (Google re2) for filtering clusters by name',
      format: 'File format to use; One of (text, json)',
    },
    render: clustersPage,
  },
  '/config_dump': {
    help: 'dump current Envoy configs',
    parameters: {
      resource: 'The resource to dump',
      mask: 'The fields to show: of each element of the resource, or of the parts that have them',
      name_regex: 'Dump only configurations whose names match the expression',
      include_eds: 'Dump currently loaded configuration including EDS',
    },
    render: configDumpPage,
  },
  '/drain_listeners': {
    help: 'drain listeners',
    post: true,
    parameters: {
      graceful: 'Drain the connections first, and stop the listeners when the drain time is over',
      skip_exit: 'Drain the connections, but never stop the listeners',
      inboundonly: 'Drains all inbound listeners',
    },
    render: ({ drainListeners }, query) => {
      const [inboundOnly, graceful, skipExit] = ['inboundonly', 'graceful', 'skip_exit'].map((name) => query.has(name));
      drainListeners({ inboundOnly, graceful, skipExit } as DrainRequest);
      return OK;
    },
  },
  '/healthcheck/fail': {
    help: 'cause the server to fail health checks',
    post: true,
    render: ({ health }) => switched(health, true),
  },
  '/healthcheck/ok': {
    help: 'cause the server to pass health checks',
    post: true,
    render: ({ health }) => switched(health, false),
  },
  '/help': { help: 'print out list of admin commands', render: () => text(helpText()) },
  '/hot_restart_version': { help: 'print the hot restart compatibility version', render: () => text('disabled') },
  '/init_dump': {
    help: 'dump current Envoy init manager information (experimental)',
    parameters: { mask: 'The desired component to dump unready targets' },
    render: () => json({}),
  },
  '/listeners': {
    help: 'print listener info',
    parameters: { format: 'File format to use; One of (text, json)' },
    render: listeners,
  },
  '/logging': {
    help: 'query/change logging levels',
    post: true,
    parameters: {
      paths:
        'Change multiple logging levels by setting to <logger_name1>:<desired_level1>,<logger_name2>:<desired_level2>',
      level: 'desired logging level, this will change all loggers',
    },
    render: loggingPage,
  },
  '/quitquitquit': {
    help: 'exit the server',
    post: true,
    render: ({ quit }) => {
      quit();
      return OK;
    },
  },
  '/ready': { help: 'print server state, return 200 if LIVE, otherwise return 503', render: readiness },
  '/reopen_logs': { help: 'reopen access logs', post: true, render: () => OK },
  '/reset_counters': {
    help: 'reset all counters to zero',
    post: true,
    render: ({ stats }) => {
      stats.reset();
      return OK;
    },
  },
  '/runtime': { help: 'print runtime values', render: ({ runtime }) => json(runtime.json()) },
  '/runtime_modify': {
    help: 'Adds or modifies runtime values as passed in query parameters. An empty value takes a former one away',
    post: true,
    render: ({ runtime }, query) => {
      if (query.size === 0) return text(RUNTIME_USAGE, 400);
      runtime.modify(query);
      return OK;
    },
  },
  '/server_info': { help: 'print server version/status information', render: serverInfo },
  '/stats': {
    help: 'print server stats',
    parameters: {
      usedonly: USED,
      filter: FILTER,
      invert_filter: INVERT,
      format: 'Format to use; One of (html, active-html, text, json, prometheus)',
      type: 'Stat types to include.; One of (All, Counters, Histograms, Gauges, TextReadouts)',
      histogram_buckets: 'Histogram bucket display mode; One of (cumulative, disjoint, detailed, summary)',
    },
    render: statsPage,
  },
  '/stats/prometheus': {
    help: 'print server stats in prometheus format',
    parameters: {
      usedonly: USED,
      text_readouts: 'Render text_readouts as new gauges with value 0 (increases Prometheus data size)',
      filter: FILTER,
      invert_filter: INVERT,
      histogram_buckets: 'Histogram bucket display mode; One of (cumulative, summary)',
    },
    render: prometheusPage,
  },
};

/**
 * The pages of port 15000, by path; `/help` lists them. Source: source/server/admin/admin.cc in Envoy. Unlike there, profilers and heap
 * dumps, which show the inside of Envoy's own program, say that they are not built in.
 */
export const ADMIN_PAGES: Readonly<Record<string, PageEntry>> = Object.fromEntries(
  Object.entries({ ...PROXY_PAGES, ...PROGRAM_PAGES }).sort(([a], [b]) => (a < b ? -1 : 1)),
);

const RUNTIME_USAGE = `usage: /runtime_modify?key1=value1&key2=value2&keyN=valueN
       or send the parameters as form values
use an empty value to remove a previously added override`;

/** Renders the page of a path, or Envoy's answer for an unknown one. */
export function renderPage(context: PageContext, method: string, url: URL): Page {
  // As in Envoy, slashes in a row are one.
  const path = url.pathname.replace(/\/{2,}/g, '/');
  const entry = Object.hasOwn(ADMIN_PAGES, path) ? ADMIN_PAGES[path] : undefined;
  if (entry === undefined) return text(`invalid path. ${helpText()}`, 404);
  if (entry.post && method !== 'POST') return text(`Method ${method} not allowed, POST required.`, 405);
  return entry.render(context, url.searchParams);
}

function helpText(): string {
  const lines = Object.entries(ADMIN_PAGES).map(([path, { help, post, parameters = {} }]) => {
    const listed = Object.entries(parameters).map(([name, told]) => `      ${name}: ${told}\n`);
    return `  ${path}${post ? ' (POST)' : ''}: ${help}\n${listed.join('')}`;
  });
  return `admin commands are:\n${lines.join('')}`;
}

function homePage(): string {
  const rows = Object.entries(ADMIN_PAGES)
    .filter(([path]) => path !== '/')
    .map(([path, { help, post }]) => {
      const name = path.slice(1);
      const command = post
        ? `<form action="${name}" method="post"><button>${name}</button></form>`
        : `<a href="${name}">${name}</a>`;
      return `<tr><td>${command}</td><td>${help}</td></tr>\n`;
    });
  return `<!DOCTYPE html>
<html lang="en">
<head><title>Envoy Admin</title><style>td { height: 1.75em }</style></head>
<body>
<table>
<tr><th>Command</th><th>Description</th></tr>
${rows.join('')}</table>
</body>
</html>
`;
}

function switched(health: PageContext['health'], failed: boolean): Page {
  health.set(failed);
  return OK;
}

function clustersPage({ clusters }: PageContext, query: URLSearchParams): Page {
  const compiled = compileRe2(query.get('filter') ?? '');
  if ('reason' in compiled) return text('Invalid re2 regex', 400);
  const shown = clusters().filter(({ config }) => compiled.pattern.matcher(config.name).find());
  return query.get('format') === 'json'
    ? json({ cluster_statuses: clusterStatuses(shown) })
    : text(clustersText(shown));
}
