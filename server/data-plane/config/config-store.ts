import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '#domain';
import type {
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
import type { Awaited } from './awaited.ts';
import { type CompiledCluster, compileCluster } from './cluster-config.ts';
import { compiledOnce } from './compiled-once.ts';
import { compileEndpoints, type EndpointConfig } from './endpoint-config.ts';
import { Fetches } from './fetches.ts';
import { configsOf, type HeldExtension, listenerOf } from './held-extensions.ts';
import type { CompiledListener } from './listener-config.ts';
import { refuseSharedAddress, refuseTakenPort, refuseUnknownClusters } from './listener-conflicts.ts';
import { ConfigProblem } from './problem.ts';
import { compileRouteTable, type RouteTable } from './route-table.ts';
import { compileSecret } from './secret-config.ts';
import { refuseSharedLimits, refuseSharedLimitsOfRoutes } from './shared-limits.ts';
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
  readonly clock: Clock;
  /** A bootstrap may name the cluster that the proxy itself belongs to. */
  readonly localCluster?: string | undefined;
}

/** A load assignment in force. */
export interface HeldEndpoints {
  readonly versionInfo: string;
  readonly resource: ClusterLoadAssignment;
  readonly endpoints: readonly EndpointConfig[];
}

const clusterOf = compiledOnce((resource: Cluster) => ({ ...compileCluster(withoutStructs(resource), ''), resource }));
const routeTableOf = compiledOnce((resource: RouteConfiguration) => compileRouteTable(withoutStructs(resource), ''));

const endpointsOf = compiledOnce(compileEndpoints);

/** What is asked for by names that listeners and clusters give, in the order of asking. */
const SUBSCRIBED = [typeUrls.route, typeUrls.endpoint, typeUrls.extension, typeUrls.secret] as const;

/**
 * Judges xDS updates resource by resource and keeps the last good one of each. A listener warms until its route configurations
 * and the configurations of its filters are here, a cluster until its load assignment is, or until `initial_fetch_timeout` is over. One
 * that replaces another waits for its secrets, too, and the earlier one serves on. Subscriptions follow from what listeners and clusters
 * name.
 */
export class ConfigStore {
  readonly listeners = new Map<string, CompiledListener>();
  readonly clusters = new Map<string, CompiledCluster>();
  readonly routes = new Map<string, RouteTable>();
  readonly endpoints = new Map<string, HeldEndpoints>();
  readonly extensions = new Map<string, HeldExtension>();
  readonly warmingListeners = new Map<string, CompiledListener>();
  readonly warmingClusters = new Map<string, CompiledCluster>();
  /** Names of clusters that nobody sends. */
  readonly statics = new Set<string>();
  /** Last version seen of each type, accepted or not. */
  readonly versions = new Map<TypeUrl, string>();
  readonly #options: ConfigStoreOptions;
  readonly #fetches: Fetches;
  /** Names of secrets that have arrived and that something still names. */
  readonly #secrets = new Set<string>();
  readonly #subscribed = new Map<TypeUrl, string>();
  /** Listeners or clusters, in force or warming, are others than at the last subscription. */
  #namesMayDiffer = false;
  #warm = false;

  constructor(options: ConfigStoreOptions) {
    this.#options = options;
    this.#fetches = new Fetches(options.clock, () => {
      this.#promote();
      this.#settle();
    });
  }

  /** Waits that were in vain, by resource; see `fetchKey`. */
  get timeouts(): ReadonlyMap<string, number> {
    return this.#fetches.timeouts;
  }

  /** Waits for nothing any more. */
  stop(): void {
    this.#fetches.stop();
  }

  get warm(): boolean {
    return this.#warm;
  }

  /** Clusters that the proxy starts with; they warm as others do. */
  preset(clusters: readonly Cluster[]): void {
    for (const cluster of clusters) {
      this.statics.add(cluster.name);
      this.#warmCluster({ ...clusterOf(cluster), versionInfo: '' });
    }
    this.#settle();
  }

  /** Takes one update; the returned rejections leave the last good resource of that name in force. */
  update(update: XdsUpdate): readonly Rejection[] {
    this.versions.set(update.typeUrl, update.versionInfo);
    const rejections: Rejection[] = [];
    for (const { name, resource } of update.upserted) {
      try {
        this.#upsert(update, name, resource);
        this.#fetches.arrived({ typeUrl: update.typeUrl, name });
      } catch (thrown) {
        if (!(thrown instanceof ConfigProblem)) throw thrown;
        rejections.push({ name, message: thrown.message });
        this.#fetches.refused({ typeUrl: update.typeUrl, name });
      }
    }
    for (const name of update.removed) this.#remove(update.typeUrl, name);
    if (rejections.length > 0) this.#promote();
    this.#settle();
    return rejections;
  }

  #settle(): void {
    if (this.#namesMayDiffer) this.#resubscribe();
    this.#checkWarm();
  }

  #upsert(update: XdsUpdate, name: string, resource: unknown): void {
    const { versionInfo } = update;
    switch (update.typeUrl) {
      case typeUrls.listener:
        this.#takeListener(listenerOf(resource as Listener, versionInfo, configsOf(this.extensions)), update.removed);
        return;
      case typeUrls.cluster:
        if (!this.#holds(name, resource)) this.#warmCluster({ ...clusterOf(resource as Cluster), versionInfo });
        return;
      case typeUrls.route: {
        const table = routeTableOf(resource as RouteConfiguration);
        refuseUnknownClusters(table, { known: this.#knowsCluster, byDefault: false });
        if (this.#options.localCluster === undefined) refuseSharedLimitsOfRoutes(table);
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
        this.#takeSecret(name, compileSecret(resource as object));
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
      case typeUrls.secret:
        // As in Envoy, what is in use stays in force; what nothing asks for is gone already.
        return;
      case typeUrls.endpoint:
        this.endpoints.delete(name);
        return;
      case typeUrls.extension:
        this.#extensionRemoved(name);
        return;
      default:
        return;
    }
  }

  /** Of the other listeners those count that the same update does not remove. */
  #takeListener(listener: CompiledListener, removed: readonly string[]): void {
    const others = [...this.listeners.values(), ...this.warmingListeners.values()];
    refuseTakenPort(listener);
    refuseSharedAddress(
      listener,
      others.filter(({ name }) => !removed.includes(name)),
    );
    for (const { filter } of [...listener.chains, listener.defaultChain ?? []].flat()) {
      if (filter.kind !== 'http') continue;
      const isAlone = this.#options.localCluster === undefined;
      if (isAlone) refuseSharedLimits(filter.filters);
      if (!('table' in filter.routes)) continue;
      if (isAlone) refuseSharedLimitsOfRoutes(filter.routes.table);
      refuseUnknownClusters(filter.routes.table, { known: this.#knowsCluster, byDefault: true });
    }
    this.#warmListener(listener);
  }

  readonly #knowsCluster = (name: string): boolean => this.clusters.has(name) || this.warmingClusters.has(name);

  #takeSecret(name: string, secret: ServedSecret): void {
    const given = 'keyPem' in secret ? 'tls_certificate' : 'validation_context';
    const asking = this.#all().flatMap(({ awaits }) => awaits.filter((each) => each.name === name));
    const wanted = asking.find(({ secret: kind }) => kind !== undefined && kind !== given)?.secret;
    if (wanted !== undefined) throw new ConfigProblem('type', `it is a ${given}; what asks for it needs a ${wanted}`);
    this.#options.sink.setSecret(name, secret);
    this.#secrets.add(name);
    this.#promote();
  }

  /** What is in force or warms. */
  #all(): (CompiledListener | CompiledCluster)[] {
    const { listeners, warmingListeners, clusters, warmingClusters } = this;
    return [listeners, warmingListeners, clusters, warmingClusters].flatMap((each) => [...each.values()]);
  }

  #warmListener(listener: CompiledListener): void {
    this.#namesMayDiffer = true;
    this.warmingListeners.set(listener.name, listener);
    this.#promoteListeners();
  }

  #promoteListeners(): void {
    for (const [name, listener] of this.warmingListeners) {
      if (this.#missing(listener, this.listeners.has(name)).length > 0) continue;
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
      .filter(({ extensionKinds }) => extensionKinds.has(name))
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

  /** As in Envoy, what is in use goes, too: listeners serve on without it. */
  #extensionRemoved(name: string): void {
    if (!this.extensions.delete(name)) return;
    const configs = configsOf(this.extensions);
    for (const { extensionKinds, resource, versionInfo } of [...this.listeners.values()]) {
      if (!extensionKinds.has(name)) continue;
      const renewed = listenerOf(resource, versionInfo, configs);
      this.listeners.set(renewed.name, renewed);
      this.#options.sink.setListener(renewed);
    }
  }

  /** As in Envoy, a cluster that is sent as it is already is no change, not even of its version. Where another form warms, that one counts. */
  #holds(name: string, resource: unknown): boolean {
    return isDeepStrictEqual((this.warmingClusters.get(name) ?? this.clusters.get(name))?.resource, resource);
  }

  #warmCluster(cluster: CompiledCluster): void {
    this.#namesMayDiffer = true;
    this.warmingClusters.set(cluster.name, cluster);
    this.#promoteCluster(cluster);
  }

  #promoteCluster(cluster: CompiledCluster): void {
    if (this.#missing(cluster, this.clusters.has(cluster.name)).length > 0) return;
    const endpoints = cluster.type === 'EDS' ? this.endpoints.get(cluster.edsName)?.endpoints : cluster.endpoints;
    this.#namesMayDiffer = true;
    this.warmingClusters.delete(cluster.name);
    this.clusters.set(cluster.name, cluster);
    this.#options.sink.setCluster(cluster, endpoints ?? [], this.#policyOf(cluster));
  }

  /**
   * What it still waits for. Unlike in Envoy, only one that replaces another waits for secrets: a new listener's other chains serve at
   * once.
   */
  #missing(config: CompiledListener | CompiledCluster, replaces: boolean): readonly Awaited[] {
    return config.awaits.filter(
      (each) =>
        (replaces || each.typeUrl !== typeUrls.secret) && !this.#isHere(each, config) && !this.#fetches.isOver(each),
    );
  }

  #isHere({ typeUrl, name }: Awaited, config: CompiledListener | CompiledCluster): boolean {
    if (typeUrl === typeUrls.extension)
      return !('missingExtensions' in config && config.missingExtensions.includes(name));
    if (typeUrl === typeUrls.route) return this.routes.has(name);
    return typeUrl === typeUrls.endpoint ? this.endpoints.has(name) : this.#secrets.has(name);
  }

  /** After something arrived, or was waited for in vain. */
  #promote(): void {
    for (const cluster of [...this.warmingClusters.values()]) this.#promoteCluster(cluster);
    this.#promoteListeners();
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
      if (cluster.edsName === edsName) this.#promoteCluster(cluster);
    }
  }

  #resubscribe(): void {
    this.#namesMayDiffer = false;
    const all = this.#all();
    const awaits = all.flatMap((each) => each.awaits);
    const names = new Map<TypeUrl, Set<string>>(SUBSCRIBED.map((typeUrl) => [typeUrl, new Set()]));
    for (const { typeUrl, name } of awaits) names.get(typeUrl)?.add(name);
    for (const each of all) {
      if (!('extensionKinds' in each)) continue;
      for (const name of each.extensionKinds.keys()) names.get(typeUrls.extension)?.add(name);
    }
    const named = (typeUrl: TypeUrl, name: string): boolean => names.get(typeUrl)?.has(name) === true;
    for (const name of this.routes.keys()) if (!named(typeUrls.route, name)) this.routes.delete(name);
    for (const name of this.extensions.keys()) if (!named(typeUrls.extension, name)) this.extensions.delete(name);
    for (const name of this.endpoints.keys()) if (!named(typeUrls.endpoint, name)) this.endpoints.delete(name);
    for (const name of this.#secrets) {
      if (named(typeUrls.secret, name)) continue;
      this.#secrets.delete(name);
      this.#options.sink.setSecret(name, undefined);
    }
    for (const [typeUrl, wanted] of names) this.#subscribe(typeUrl, [...wanted].sort());
    const missing = all.flatMap((config) => config.awaits.filter((each) => !this.#isHere(each, config)));
    const warming = [...this.warmingListeners.values(), ...this.warmingClusters.values()];
    this.#fetches.follow(
      missing,
      warming.flatMap((each) => this.#missing(each, this.listeners.has(each.name) || this.clusters.has(each.name))),
    );
  }

  #subscribe(typeUrl: TypeUrl, names: readonly string[]): void {
    const key = names.join('\n');
    if ((this.#subscribed.get(typeUrl) ?? '') === key) return;
    this.#subscribed.set(typeUrl, key);
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
