import type { Diagnostic } from '#domain';
import { type EncodedResource, type ProxyNode, type TypeUrl, typeUrls } from '#xds';
import type { MeshSnapshot } from '../snapshot/mesh-snapshot.ts';
import { selfDiscoveryAssignment, selfDiscoveryKey } from './clusters/self-discovery.ts';
import { createEncoder, type EncodedMap, type EncodedPart, type Encoder } from './encode-all.ts';
import { extensionConfigs } from './http-filters/extension-configs.ts';
import { buildNotices, extensionNotices } from './http-filters/extension-notices.ts';
import { createKeyedMemo, createNodeMemo, type KeyedMemo } from './keyed-memo.ts';
import { nameTable } from './name-table.ts';
import { type ProxyView, viewProxy } from './proxy-view.ts';
import { createReferenceCheck } from './reference-check.ts';
import { type ConfigResources, endpointResources, ownResources } from './resources.ts';
import { createScope, labelsMatter, scopeKey } from './scope.ts';
import { type SharedInput, sharedConfig } from './shared-config.ts';
import { spanIdentity } from './telemetry/index.ts';

export type EncodedByType = ReadonlyMap<TypeUrl, ReadonlyMap<string, EncodedResource>>;

export interface Translation {
  readonly resources: EncodedByType;
  /** What the reference check and the encoder found. */
  readonly problems: readonly Diagnostic[];
}

/** Builds what a node is to hold. Proxies that receive the same resources share their bytes. */
export interface Translator {
  translate(snapshot: MeshSnapshot, node: ProxyNode): Translation;
}

/** Parts of scopes and of proxies that are remembered at a time. */
const MEMORY = 8192;

export function createTranslator(): Translator {
  const memory: Memory = { memo: createKeyedMemo(MEMORY), encode: createEncoder() };
  const groups = new WeakMap<MeshSnapshot, Map<string, Translation>>();
  const views = createNodeMemo<ProxyView>();
  const groupNames = createNodeMemo<string>();
  return {
    translate(snapshot, node) {
      const proxy = views(node, [snapshot.services, snapshot.workloads, snapshot.endpoints], () =>
        viewProxy(snapshot, node),
      );
      // Each of these may select a single proxy.
      const selective = [snapshot.envoyFilters, snapshot.telemetries, snapshot.trafficExtensions];
      if (proxy.role === 'router' || selective.some(({ length }) => length > 0)) {
        const scope = proxy.role === 'router' ? `router/${proxy.id}` : `${scopeKey(snapshot, proxy)}/${proxy.id}`;
        return translateOne(memory, { snapshot, proxy, key: scope }, node);
      }
      const group = groupNames(node, groupInputs(snapshot, proxy), () =>
        JSON.stringify([
          scopeKey(snapshot, proxy),
          spanIdentity(snapshot, proxy),
          ownKey(snapshot, proxy),
          place(proxy),
          selfDiscoveryKey(proxy),
        ]),
      );
      const known = groups.get(snapshot) ?? new Map<string, Translation>();
      groups.set(snapshot, known);
      const done = known.get(group) ?? translateOne(memory, { snapshot, proxy, key: scopeKey(snapshot, proxy) }, node);
      known.set(group, done);
      return done;
    },
  };
}

/** What tells a proxy's group from others: parts of the mesh that keep their identity while it is the same. */
const groupInputs = (snapshot: MeshSnapshot, proxy: ProxyView): readonly unknown[] => [
  proxy,
  snapshot.mesh,
  snapshot.sidecars,
  labelsMatter(snapshot),
  snapshot.envoyFilters.length,
];

function translateOne(memory: Memory, input: SharedInput, node: ProxyNode): Translation {
  const { snapshot, proxy, key } = input;
  const config = sharedConfig(memory.memo, input);
  const identity = spanIdentity(snapshot, proxy);
  const shared = encodeConfig(memory, { key, identity }, config);
  const own = encodeOwn(memory, snapshot, proxy);
  const endpoints = encodeEndpoints(memory, input, config);
  const self = encodeSelfDiscovery(memory, input);
  const extensions = encodeExtensions(memory, { snapshot, proxy, node });
  const join = (type: string, a: EncodedPart, b: EncodedPart): EncodedMap =>
    b.resources.size === 0 ? a.resources : joined(memory.memo, `${type}/${key}/${identity}/${own.key}`, a, b);
  return {
    resources: new Map<TypeUrl, EncodedMap>([
      [typeUrls.cluster, join('clusters', shared.clusters, own.clusters)],
      [
        typeUrls.endpoint,
        proxy.discoversItself ? new Map([...endpoints.resources, ...self.resources]) : endpoints.resources,
      ],
      [typeUrls.listener, join('listeners', shared.listeners, own.listeners)],
      [typeUrls.route, shared.routes.resources],
      [typeUrls.extension, extensions.resources],
      [typeUrls.nameTable, encodeNames(memory, input).resources],
    ]),
    problems: [
      ...buildNotices(node),
      ...extensionNotices(snapshot, proxy, node),
      ...shared.problems,
      ...[shared.listeners, shared.routes, shared.clusters, own.listeners, own.clusters, endpoints, extensions].flatMap(
        ({ problems }) => problems,
      ),
    ],
  };
}

interface Memory {
  readonly memo: KeyedMemo;
  readonly encode: Encoder;
}

const joined = (memo: KeyedMemo, key: string, a: EncodedPart, b: EncodedPart): EncodedMap =>
  memo.of(`joined/${key}`, [a, b], () => new Map([...a.resources, ...b.resources]));

interface EncodedConfig {
  readonly listeners: EncodedPart;
  readonly routes: EncodedPart;
  readonly clusters: EncodedPart;
  readonly problems: readonly Diagnostic[];
}

function encodeConfig(
  memory: Memory,
  { key, identity }: { readonly key: string; readonly identity: string },
  { listeners, routes, clusters }: ConfigResources,
): EncodedConfig {
  const { memo, encode } = memory;
  const check = memo.of(`check/${key}`, [clusters], () => createReferenceCheck(clusters));
  return {
    listeners: memo.of<EncodedPart>(`encoded-listeners/${key}/${identity}`, [listeners], (previous) =>
      encode(typeUrls.listener, listeners, previous),
    ),
    routes: memo.of<EncodedPart>(`encoded-routes/${key}`, [routes], (previous) =>
      encode(typeUrls.route, routes, previous),
    ),
    clusters: memo.of<EncodedPart>(`encoded-clusters/${key}`, [clusters], (previous) =>
      encode(typeUrls.cluster, clusters, previous),
    ),
    problems: memo.of(`problems/${key}/${identity}`, [check, listeners, routes], () => check({ listeners, routes })),
  };
}

interface EncodedOwn {
  readonly key: string;
  readonly listeners: EncodedPart;
  readonly clusters: EncodedPart;
}

/** Proxies of one key have the same inbound side. */
const ownKey = (snapshot: MeshSnapshot, proxy: ProxyView): string =>
  JSON.stringify([
    proxy.role,
    proxy.istioProxy,
    proxy.exchangesPeers,
    proxy.counts,
    proxy.plainEnvoy,
    proxy.settings,
    proxy.namespace,
    Object.entries(proxy.labels).sort(),
    proxy.targets.map(({ service, targetPort }) => [service.hostname, targetPort]),
    spanIdentity(snapshot, proxy),
    snapshot.sidecars.length > 0 ? proxy.ip : 0,
    snapshot.envoyFilters.length > 0 ? proxy.id : 0,
  ]);

/** Where a proxy is: what endpoints are near to it. */
const place = ({ locality: { region, zone, subZone }, node, network }: ProxyView): string =>
  `${region}/${zone}/${subZone}/${node}/${network}`;

function encodeOwn({ memo, encode }: Memory, snapshot: MeshSnapshot, proxy: ProxyView): EncodedOwn {
  const { mesh, services, destinationRules, peerAuthentications, authorizationPolicies, requestAuthentications } =
    snapshot;
  const key = ownKey(snapshot, proxy);
  const inputs = [
    mesh,
    services,
    destinationRules,
    peerAuthentications,
    snapshot.sidecars,
    authorizationPolicies,
    requestAuthentications,
    snapshot.envoyFilters,
    snapshot.telemetries,
    snapshot.trafficExtensions,
  ];
  return memo.of<EncodedOwn>(`own/${key}`, inputs, (previous) => {
    const { listeners, clusters } = ownResources(createScope(snapshot, proxy), proxy);
    return {
      key,
      listeners: encode(typeUrls.listener, listeners, previous?.listeners),
      clusters: encode(typeUrls.cluster, clusters, previous?.clusters),
    };
  });
}

function encodeEndpoints(
  { memo, encode }: Memory,
  { snapshot, proxy, key }: SharedInput,
  { clusters }: ConfigResources,
): EncodedPart {
  return memo.of<EncodedPart>(
    `endpoints/${key}/${place(proxy)}`,
    [clusters, snapshot.endpoints, snapshot.workloads, snapshot.networks],
    (previous) => encode(typeUrls.endpoint, endpointResources(createScope(snapshot, proxy), clusters), previous),
  );
}

const NONE: EncodedPart = { resources: new Map(), problems: [] };

function encodeSelfDiscovery({ memo, encode }: Memory, { snapshot, proxy }: SharedInput): EncodedPart {
  if (!proxy.discoversItself) return NONE;
  const { services, endpoints, workloads, networks, peerAuthentications, mesh } = snapshot;
  return memo.of<EncodedPart>(
    `self-discovery/${selfDiscoveryKey(proxy)}/${place(proxy)}`,
    [services, endpoints, workloads, networks, peerAuthentications, mesh],
    (previous) => encode(typeUrls.endpoint, [selfDiscoveryAssignment(createScope(snapshot, proxy), proxy)], previous),
  );
}

/** Only agents that answer names ask for them. */
function encodeNames({ memo, encode }: Memory, { snapshot, proxy, key }: SharedInput): EncodedPart {
  if (!proxy.answersNames) return NONE;
  const { services, endpoints, sidecars, mesh } = snapshot;
  return memo.of<EncodedPart>(`names/${key}`, [services, endpoints, sidecars, mesh], (previous) =>
    encode(typeUrls.nameTable, [nameTable(createScope(snapshot, proxy))], previous),
  );
}

/** A pull secret is told to proven identities only, so each proxy has its own. */
function encodeExtensions(
  { memo, encode }: Memory,
  { snapshot, proxy, node }: { readonly snapshot: MeshSnapshot; readonly proxy: ProxyView; readonly node: ProxyNode },
): EncodedPart {
  const { trafficExtensions, envoyFilters, credentials, mesh } = snapshot;
  const inputs = [proxy, node.identity !== undefined, trafficExtensions, envoyFilters, credentials, mesh];
  return memo.of<EncodedPart>(`extensions/${proxy.id}`, inputs, (previous) =>
    encode(typeUrls.extension, extensionConfigs(snapshot, proxy, node.identity), previous),
  );
}
