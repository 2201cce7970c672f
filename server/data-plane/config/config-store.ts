import type {
  Any,
  Cluster,
  ClusterLoadAssignment,
  Listener,
  Rejection,
  RouteConfiguration,
  TypedExtensionConfig,
  TypeUrl,
  XdsUpdate,
} from '#xds';
import { typeUrls } from '#xds';
import type { ServedSecret } from '../agent/secret-store.ts';
import { type CompiledCluster, compileCluster } from './cluster-config.ts';
import { compiledOnce } from './compiled-once.ts';
import type { ExtensionConfigs } from './discovered-filters.ts';
import { compileEndpoints, type EndpointConfig } from './endpoint-config.ts';
import { type CompiledListener, compileListener } from './listener-config.ts';
import { refuseSharedAddress, refuseUnknownClusters } from './listener-conflicts.ts';
import { ConfigProblem } from './problem.ts';
import { compileRouteTable, type RouteTable } from './route-table.ts';
import { compileSecret } from './secret-config.ts';
import { servedNames } from './tls-settings.ts';
import { withoutStructs } from './typed-structs.ts';

/** What takes effect: called when a resource becomes active, so never for one that still warms. */
export interface ConfigSink {
  setListener(listener: CompiledListener): void;
  removeListener(name: string): void;
  setCluster(
    cluster: CompiledCluster,
    endpoints: readonly EndpointConfig[],
    policy: ClusterLoadAssignment['policy'],
  ): void;
  removeCluster(name: string): void;
  /** Undefined: nothing is served under the name any more. */
  setSecret(name: string, secret: ServedSecret | undefined): void;
  /** The first complete set of listeners and clusters is active. Called once. */
  warmed(): void;
}

export interface ConfigStoreOptions {
  readonly subscribe: (typeUrl: TypeUrl, names: readonly string[]) => void;
  readonly sink: ConfigSink;
}

/** A load assignment in force. */
export interface HeldEndpoints {
  readonly versionInfo: string;
  readonly resource: ClusterLoadAssignment;
  readonly endpoints: readonly EndpointConfig[];
}

const plainListener = compiledOnce((resource: Listener) => withoutStructs(resource));
const plainExtension = compiledOnce((config: Any) => withoutStructs(config));
const clusterOf = compiledOnce((resource: Cluster) => ({ ...compileCluster(withoutStructs(resource), ''), resource }));
const routeTableOf = compiledOnce((resource: RouteConfiguration) => compileRouteTable(withoutStructs(resource), ''));

const listenerOf = (resource: Listener, versionInfo: string, configs: ExtensionConfigs): CompiledListener => ({
  ...compileListener(plainListener(resource), versionInfo, configs),
  resource,
});
const endpointsOf = compiledOnce(compileEndpoints);

/** What is asked for by names that listeners and clusters give. */
type Subscribed = 'routes' | 'endpoints' | 'secrets' | 'extensions';

/** The configuration of a filter, in force. */
export interface HeldExtension {
  readonly versionInfo: string;
  readonly resource: TypedExtensionConfig;
}

/**
 * Judges xDS updates resource by resource and keeps the last good one of each. A listener warms until its route configurations
 * and the configurations of its filters are here, a cluster until its load assignment is; until then the earlier one serves on. Subscriptions to routes and endpoints
 * follow from what listeners and clusters name.
 */
export class ConfigStore {
  readonly listeners = new Map<string, CompiledListener>();
  readonly clusters = new Map<string, CompiledCluster>();
  readonly routes = new Map<string, RouteTable>();
  readonly endpoints = new Map<string, HeldEndpoints>();
  readonly extensions = new Map<string, HeldExtension>();
  readonly warmingListeners = new Map<string, CompiledListener>();
  readonly warmingClusters = new Map<string, CompiledCluster>();
  /** Last version seen of each type, accepted or not. */
  readonly versions = new Map<TypeUrl, string>();
  readonly #options: ConfigStoreOptions;
  #subscribed: Readonly<Record<Subscribed, string>> = { routes: '', endpoints: '', secrets: '', extensions: '' };
  /** Listeners or clusters, in force or warming, are others than at the last subscription. */
  #namesMayDiffer = false;
  #warm = false;

  constructor(options: ConfigStoreOptions) {
    this.#options = options;
  }

  get warm(): boolean {
    return this.#warm;
  }

  /** Takes one update; the returned rejections leave the last good resource of that name in force. */
  update(update: XdsUpdate): readonly Rejection[] {
    this.versions.set(update.typeUrl, update.versionInfo);
    const rejections: Rejection[] = [];
    for (const { name, resource } of update.upserted) {
      try {
        this.#upsert(update, name, resource);
      } catch (thrown) {
        if (!(thrown instanceof ConfigProblem)) throw thrown;
        rejections.push({ name, message: thrown.message });
      }
    }
    for (const name of update.removed) this.#remove(update.typeUrl, name);
    if (this.#namesMayDiffer) this.#resubscribe();
    this.#checkWarm();
    return rejections;
  }

  #upsert(update: XdsUpdate, name: string, resource: unknown): void {
    const { versionInfo } = update;
    switch (update.typeUrl) {
      case typeUrls.listener:
        this.#takeListener(listenerOf(resource as Listener, versionInfo, configsOf(this.extensions)), update.removed);
        return;
      case typeUrls.cluster:
        this.#warmCluster({ ...clusterOf(resource as Cluster), versionInfo });
        return;
      case typeUrls.route: {
        const table = routeTableOf(resource as RouteConfiguration);
        refuseUnknownClusters(table, { known: this.#knowsCluster, byDefault: false });
        this.routes.set(name, { ...table, versionInfo });
        this.#promoteListeners();
        return;
      }
      case typeUrls.endpoint: {
        const assignment = resource as ClusterLoadAssignment;
        this.endpoints.set(name, { versionInfo, resource: assignment, endpoints: endpointsOf(assignment) });
        this.#endpointsArrived(name);
        return;
      }
      case typeUrls.secret:
        this.#options.sink.setSecret(name, compileSecret(resource as object));
        return;
      case typeUrls.extension:
        this.#extensionArrived({ versionInfo, resource: resource as TypedExtensionConfig });
        return;
      default:
        throw new ConfigProblem('type_url', `${update.typeUrl} is not handled`);
    }
  }

  #remove(typeUrl: TypeUrl, name: string): void {
    switch (typeUrl) {
      case typeUrls.listener:
        this.#namesMayDiffer = true;
        this.warmingListeners.delete(name);
        if (this.listeners.delete(name)) this.#options.sink.removeListener(name);
        return;
      case typeUrls.cluster:
        this.#namesMayDiffer = true;
        this.warmingClusters.delete(name);
        if (this.clusters.delete(name)) this.#options.sink.removeCluster(name);
        return;
      case typeUrls.route:
        // As in Envoy, a table in use stays in force; one that no listener asks for is gone already.
        return;
      case typeUrls.endpoint:
        this.endpoints.delete(name);
        return;
      case typeUrls.secret:
        this.#options.sink.setSecret(name, undefined);
        return;
      case typeUrls.extension:
        this.extensions.delete(name);
        return;
      default:
        return;
    }
  }

  /** Of the other listeners those count that the same update does not remove. */
  #takeListener(listener: CompiledListener, removed: readonly string[]): void {
    const others = [...this.listeners.values(), ...this.warmingListeners.values()];
    refuseSharedAddress(
      listener,
      others.filter(({ name }) => !removed.includes(name)),
    );
    for (const { filter } of [...listener.chains, listener.defaultChain ?? []].flat()) {
      if (filter.kind !== 'http' || !('table' in filter.routes)) continue;
      refuseUnknownClusters(filter.routes.table, { known: this.#knowsCluster, byDefault: true });
    }
    this.#warmListener(listener);
  }

  readonly #knowsCluster = (name: string): boolean => this.clusters.has(name) || this.warmingClusters.has(name);

  #warmListener(listener: CompiledListener): void {
    this.#namesMayDiffer = true;
    this.warmingListeners.set(listener.name, listener);
    this.#promoteListeners();
  }

  #promoteListeners(): void {
    for (const [name, listener] of this.warmingListeners) {
      if (!listener.rdsNames.every((route) => this.routes.has(route))) continue;
      if (listener.missingExtensions.length > 0) continue;
      this.#namesMayDiffer = true;
      this.warmingListeners.delete(name);
      this.listeners.set(name, listener);
      this.#options.sink.setListener(listener);
    }
  }

  /** Listeners that name it are made anew; one that it cannot be put into refuses it. */
  #extensionArrived(extension: HeldExtension): void {
    const { name } = extension.resource;
    const extensions = new Map([...this.extensions, [name, extension]]);
    const configs = configsOf(extensions);
    const naming = new Map([...this.listeners, ...this.warmingListeners]);
    const renewed = [...naming.values()]
      .filter(({ extensionNames }) => extensionNames.includes(name))
      .map(({ resource, versionInfo }) => listenerOf(resource, versionInfo, configs));
    if (renewed.some(({ missingExtensions }) => missingExtensions.includes(name))) {
      throw new ConfigProblem(
        'typed_config',
        `no filter that asks for it takes ${extension.resource.typed_config['@type']}`,
      );
    }
    this.#namesMayDiffer = true;
    this.extensions.set(name, extension);
    for (const listener of renewed) this.warmingListeners.set(listener.name, listener);
    this.#promoteListeners();
  }

  #warmCluster(cluster: CompiledCluster): void {
    this.#namesMayDiffer = true;
    const held = this.endpoints.get(cluster.edsName);
    if (cluster.type === 'EDS' && held === undefined) {
      this.warmingClusters.set(cluster.name, cluster);
      return;
    }
    this.#activateCluster(cluster, cluster.type === 'EDS' ? (held?.endpoints ?? []) : cluster.endpoints);
  }

  #activateCluster(cluster: CompiledCluster, endpoints: readonly EndpointConfig[]): void {
    this.#namesMayDiffer = true;
    this.warmingClusters.delete(cluster.name);
    this.clusters.set(cluster.name, cluster);
    this.#options.sink.setCluster(cluster, endpoints, this.#policyOf(cluster));
  }

  /** What the assignment in force says besides its endpoints. */
  #policyOf(cluster: CompiledCluster): ClusterLoadAssignment['policy'] {
    const { type, edsName, resource } = cluster;
    return (type === 'EDS' ? this.endpoints.get(edsName)?.resource : resource.load_assignment)?.policy;
  }

  #endpointsArrived(edsName: string): void {
    const endpoints = this.endpoints.get(edsName)?.endpoints ?? [];
    for (const cluster of this.clusters.values()) {
      if (cluster.edsName === edsName) this.#options.sink.setCluster(cluster, endpoints, this.#policyOf(cluster));
    }
    for (const cluster of this.warmingClusters.values()) {
      if (cluster.edsName === edsName) this.#activateCluster(cluster, endpoints);
    }
  }

  #resubscribe(): void {
    this.#namesMayDiffer = false;
    const routes = new Set<string>();
    const extensions = new Set<string>();
    for (const listener of [...this.listeners.values(), ...this.warmingListeners.values()]) {
      for (const name of listener.rdsNames) routes.add(name);
      for (const name of listener.extensionNames) extensions.add(name);
    }
    const endpoints = new Set<string>();
    for (const cluster of [...this.clusters.values(), ...this.warmingClusters.values()]) {
      if (cluster.type === 'EDS') endpoints.add(cluster.edsName);
    }
    for (const name of this.routes.keys()) if (!routes.has(name)) this.routes.delete(name);
    for (const name of this.extensions.keys()) if (!extensions.has(name)) this.extensions.delete(name);
    for (const name of this.endpoints.keys()) if (!endpoints.has(name)) this.endpoints.delete(name);
    this.#subscribe('routes', typeUrls.route, [...routes].sort());
    this.#subscribe('endpoints', typeUrls.endpoint, [...endpoints].sort());
    this.#subscribe('extensions', typeUrls.extension, [...extensions].sort());
    this.#subscribe('secrets', typeUrls.secret, this.#secretNames());
  }

  /** Certificates that the control plane serves, unlike those of the agent. */
  #secretNames(): string[] {
    const listeners = [...this.listeners.values(), ...this.warmingListeners.values()];
    const clusters = [...this.clusters.values(), ...this.warmingClusters.values()];
    const settings = [
      ...listeners.flatMap(({ chains, defaultChain }) => [...chains, defaultChain].map((chain) => chain?.tls)),
      ...clusters.flatMap(({ tls, tlsMatches }) => [tls, ...tlsMatches.map((match) => match.tls)]),
    ];
    return [...new Set(settings.flatMap((tls) => (tls === undefined ? [] : servedNames(tls))))].sort();
  }

  #subscribe(which: Subscribed, typeUrl: TypeUrl, names: readonly string[]): void {
    const key = names.join('\n');
    if (this.#subscribed[which] === key) return;
    this.#subscribed = { ...this.#subscribed, [which]: key };
    this.#options.subscribe(typeUrl, names);
  }

  #checkWarm(): void {
    if (this.#warm) return;
    if (!this.versions.has(typeUrls.listener) || !this.versions.has(typeUrls.cluster)) return;
    if (this.warmingListeners.size > 0 || this.warmingClusters.size > 0) return;
    this.#warm = true;
    this.#options.sink.warmed();
  }
}

const configsOf = (held: ReadonlyMap<string, HeldExtension>): ExtensionConfigs =>
  new Map([...held].map(([name, { resource }]) => [name, plainExtension(resource.typed_config)]));
