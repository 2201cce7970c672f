import type { ControlPlane } from '#control-plane';
import { istioVersion } from '#istio';
import type { KubeStore } from '#kube-api';
import { cachedNames, cachedSizes } from './cache-pages.ts';
import { proxyConfigDump, type RESOURCE_TYPES, resourcesOfTypes } from './config-dump.ts';
import { configObjects, configSchemas } from './config-pages.ts';
import { type DebugConnection, debugConnections, findConnection, isVisible } from './connections.ts';
import { injectTemplates } from './inject-page.ts';
import type { IstiodMetrics } from './istiod-metrics.ts';
import { krtCollections } from './krt-page.ts';
import { meshConfigShown } from './mesh-page.ts';
import { authorizationPolicies, networkGateways, telemetries } from './policy-pages.ts';
import { pushStatus } from './push-status-page.ts';
import { CLUSTER_ID, endpointShards, registryServices, serviceTargets } from './registry-pages.ts';
import { sidecarScope } from './scope-page.ts';
import { adsClients, connectionList, syncStatuses } from './sync-pages.ts';

export interface DebugSources {
  readonly controlPlane: ControlPlane;
  readonly store: KubeStore;
  /** Absent: none are told. */
  readonly metrics?: IstiodMetrics;
  /** The only namespace whose proxies are shown. */
  readonly namespace?: string;
}

export interface DebugPage {
  readonly status: number;
  readonly type: 'application/json' | 'text/plain; charset=utf-8' | 'text/html; charset=utf-8';
  readonly body: string;
}

interface DebugEntry {
  /** Its lines are for people whether or not they are asked for. */
  readonly indented?: true;
  readonly help: string;
  readonly render: (sources: DebugSources, query: URLSearchParams) => unknown;
}

/** An answer that is no JSON. */
class PlainAnswer {
  readonly status: number;
  readonly text: string;
  constructor(status: number, text: string) {
    this.status = status;
    this.text = text;
  }
}

const CACHE_CLEARED = new PlainAnswer(200, 'Cache cleared\n');
const NO_PROXY = new PlainAnswer(400, 'You must provide a proxyID in the query string\n');
const NOT_CONNECTED = new PlainAnswer(
  404,
  'Proxy not connected to this Pilot instance. It may be connected to another instance.\n',
);

/**
 * istiod's pages under `/debug/`. Source: AddDebugHandlers in istio pilot/pkg/xds/debug.go. Unlike there, profiles of istiod's own program
 * (pprof) are absent; so is what changes something (`adsz?push=true`).
 */
const PAGES: Readonly<Record<string, DebugEntry>> = {
  adsz: {
    help: 'Status and debug interface for ADS',
    render: ({ controlPlane }, query) => {
      const wanted = query.get('proxyID') ?? '';
      const connections = debugConnections(controlPlane);
      if (wanted === '') return adsClients(connections);
      const found = findConnection(connections, wanted);
      return found === undefined ? NOT_CONNECTED : adsClients([found]);
    },
  },
  ambientz: {
    help: 'Debug support for ambient',
    // As istiod where ambient is switched off.
    render: () => ({ workloads: null, services: null, policies: null }),
  },
  authorizationz: {
    help: 'Internal authorization policies',
    render: ({ controlPlane, store }) => ({
      authorization_policies: authorizationPolicies(store, controlPlane.inspect()),
    }),
  },
  cachez: {
    help: 'Info about the internal XDS caches',
    render: ({ controlPlane }, query) => {
      // Nothing is kept that could be old.
      if (query.get('clear')) return CACHE_CLEARED;
      return query.get('sizes') ? cachedSizes(controlPlane) : cachedNames(controlPlane);
    },
  },
  'cachez?clear=true': { help: 'Clear the XDS caches', render: () => CACHE_CLEARED },
  'cachez?sizes=true': {
    help: 'Info about the size of the internal XDS caches',
    render: ({ controlPlane }) => cachedSizes(controlPlane),
  },
  clusterz: {
    help: 'List remote clusters where istiod reads endpoints',
    render: () => [{ id: CLUSTER_ID, secretName: '', syncStatus: 'synced' }],
  },
  config_dump: {
    help: 'ConfigDump in the form of the Envoy admin config dump API for passed in proxyID',
    render: ofProxy((connection, sources, query) => {
      const types = (query.get('types') ?? '').split(',').filter(Boolean);
      return types.length > 0
        ? resourcesOfTypes(sources.controlPlane, connection, types)
        : proxyConfigDump(sources.controlPlane, connection, { includeEds: query.has('include_eds') });
    }),
  },
  configz: { help: 'Debug support for config', render: ({ store }) => configObjects(store) },
  connections: {
    help: 'Info about the connected XDS clients',
    render: ({ controlPlane }) => connectionList(debugConnections(controlPlane)),
  },
  ecdsz: { help: 'Status and debug interface for ECDS', render: ofProxy(typed('ecds')) },
  edsz: { help: 'Status and debug interface for EDS', render: ofProxy(typed('eds')) },
  endpointShardz: {
    help: 'Info about the endpoint shards',
    render: ({ controlPlane }) => endpointShards(controlPlane.inspect()),
  },
  endpointz: {
    help: 'Obsolete, use endpointShardz',
    render: ({ controlPlane }) => endpointShards(controlPlane.inspect()),
  },
  inject: { help: 'Active inject template', render: ({ store }) => injectTemplates(store) },
  instancesz: {
    help: 'Debug support for service instances',
    render: ({ controlPlane, store }) => serviceTargets(controlPlane.inspect(), debugConnections(controlPlane), store),
  },
  krtz: {
    help: 'Debug support for krt (internal state)',
    render: ({ controlPlane, store }) => krtCollections(controlPlane.inspect(), store),
  },
  list: { help: 'List all supported debug commands in json', render: () => pageNames() },
  mcsz: { help: 'List information about Kubernetes MCS services', render: () => null },
  mesh: { help: 'Active mesh config', render: ({ store }) => meshConfigShown(store) },
  ndsz: { help: 'Status and debug interface for NDS', render: ofProxy(typed('nds')) },
  networkz: {
    help: 'List cross-network gateways',
    render: ({ controlPlane }) => networkGateways(controlPlane.inspect()),
  },
  push_status: {
    help: 'Last PushContext Details',
    indented: true,
    render: ({ controlPlane }) => pushStatus(controlPlane),
  },
  pushcontext: {
    help: 'Debug support for current push context',
    render: ({ controlPlane, store }) => ({
      AuthorizationPolicies: authorizationPolicies(store, controlPlane.inspect()),
      NetworkGateways: networkGateways(controlPlane.inspect()),
      UnresolvedGateways: null,
    }),
  },
  registryz: {
    help: 'Debug support for registry',
    render: ({ controlPlane, store }) => registryServices(controlPlane.inspect().services, store),
  },
  resourcesz: { help: 'Debug support for watched resources', render: ({ store }) => configSchemas(store) },
  sidecarz: {
    help: 'Debug sidecar scope for a proxy',
    render: ofProxy((connection, { controlPlane, store }) => sidecarScope(controlPlane, connection, store)),
  },
  syncz: {
    help: 'Synchronization status of all Envoys connected to this Pilot instance',
    render: ({ controlPlane }, query) => syncStatuses(controlPlane, query.get('namespace') ?? ''),
  },
  telemetryz: {
    help: 'Debug Telemetry configuration',
    render: ({ controlPlane, store }) => ({ telemetries: telemetries(store, controlPlane.inspect()) }),
  },
};

type ProxyPage = (connection: DebugConnection, sources: DebugSources, query: URLSearchParams) => unknown;

function typed(short: keyof typeof RESOURCE_TYPES | 'nds'): ProxyPage {
  return (connection, { controlPlane }) => resourcesOfTypes(controlPlane, connection, [short]);
}

/** A page about one proxy, named by any part of its connection's id. */
function ofProxy(page: ProxyPage): DebugEntry['render'] {
  return (sources, query) => {
    const wanted = query.get('proxyID') ?? '';
    if (wanted === '') return NO_PROXY;
    const found = findConnection(debugConnections(sources.controlPlane), wanted);
    if (found === undefined || !isVisible(found.node, sources.namespace ?? '')) return NOT_CONNECTED;
    return page(found, sources, query);
  };
}

const pageNames = (): string[] => Object.keys(PAGES).filter((name) => name !== 'list');

const text = (body: string, status = 200): DebugPage => ({ status, type: 'text/plain; charset=utf-8', body });

/** A page of istiod's monitoring port. Undefined: there is none. */
export function renderDebugPage(sources: DebugSources, url: URL): DebugPage | undefined {
  switch (url.pathname) {
    case '/version':
      return text(`${istioVersion}-meshwork-Clean`);
    case '/ready':
    case '/healthz/ready':
      return text('');
    case '/metrics':
      return sources.metrics && text(sources.metrics.text(sources));
    case '/debug':
      return { status: 200, type: 'text/html; charset=utf-8', body: indexPage() };
  }
  const name = url.pathname.startsWith('/debug/') ? url.pathname.slice('/debug/'.length) : '';
  const entry = Object.hasOwn(PAGES, name) ? PAGES[name] : undefined;
  if (entry === undefined) return undefined;
  const answer = entry.render(sources, url.searchParams);
  if (answer instanceof PlainAnswer) return text(answer.text, answer.status);
  const body = JSON.stringify(answer, undefined, entry.indented || url.searchParams.has('pretty') ? 4 : undefined);
  return { status: 200, type: 'application/json', body };
}

function indexPage(): string {
  const rows = Object.entries(PAGES)
    .map(([name, { help }]) => `<tr><td><a href='/debug/${name}'>/debug/${name}</a></td><td>${help}</td></tr>\n`)
    .join('');
  return `<html>
<head><title>Pilot Debug Console</title></head>
<body>
<p>Add <b>?pretty</b> to a page for lines that people can read.</p>
<table>
<tr><th>Endpoint</th><th>Description</th></tr>
${rows}</table>
</body>
</html>
`;
}
