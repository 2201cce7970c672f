import { type Clock, errorMessage, type Random, type SocketAddress } from '#domain';
import type { ContainerContext, XdsResolver } from '#workloads';
import {
  type AdsClient,
  type Cluster,
  type ClusterLoadAssignment,
  createAdsClient,
  type HttpConnectionManager,
  type Listener,
  type Rejection,
  type RouteConfiguration,
  typeUrls,
  type XdsUpdate,
} from '#xds';
import { readBootstrap } from './bootstrap.ts';
import { type CallHead, clusterOf, clustersOf, routeFor } from './route-choice.ts';

export interface XdsResolverOptions {
  readonly bootstrap: string;
  /** `greeter.default.svc.cluster.local:7070`: a listener of exactly this name is asked for. */
  readonly target: string;
  readonly dial: ContainerContext['dial'];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * gRPC's xDS resolver and balancer: one listener by the target's name, its route table, the clusters of the table, their endpoints; round robin.
 * Unlike gRPC's own client it asks by the delta protocol, knows neither ring hash nor TLS by xDS, and dials only what the pod's network reaches.
 * Source: gRFC A27 (resolver, balancer), A28 (routes).
 */
export function createXdsResolver(options: XdsResolverOptions): XdsResolver {
  return new Resolver(options);
}

class Resolver implements XdsResolver {
  readonly #options: XdsResolverOptions;
  readonly #clusters = new Map<string, Cluster>();
  readonly #endpoints = new Map<string, ClusterLoadAssignment>();
  readonly #turns = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #client: AdsClient | undefined;
  #table: string | undefined;
  #route: RouteConfiguration | undefined;
  #problem: string | undefined;

  constructor(options: XdsResolverOptions) {
    this.#options = options;
    this.#connect().catch((thrown: unknown) => this.#fail(errorMessage(thrown)));
  }

  async pick(call: CallHead): Promise<SocketAddress> {
    // Until its configuration is there, a call waits; its own deadline ends the wait.
    while (this.#problem === undefined && !this.#isReady())
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    if (this.#problem !== undefined) throw new Error(this.#problem);
    const route = this.#route && routeFor(this.#route, call);
    const cluster = route && clusterOf(route, this.#options.random.next());
    if (cluster === undefined) throw new Error(`no route of ${this.#table} takes ${call.path}`);
    const addresses = addressesOf(this.#endpoints.get(this.#assignmentOf(cluster)));
    const turn = this.#turns.get(cluster) ?? 0;
    this.#turns.set(cluster, turn + 1);
    const chosen = addresses[turn % Math.max(1, addresses.length)];
    if (chosen === undefined) throw new Error(`cluster ${cluster} has no endpoint`);
    return chosen;
  }

  async #connect(): Promise<void> {
    const { bootstrap, target, dial, clock, random, log, signal } = this.#options;
    const { host, port, node } = readBootstrap(bootstrap);
    // Only what the pod's own network reaches is asked.
    const probe = await dial(host, port);
    const ip = probe.remoteAddress ?? '';
    probe.destroy();
    if (signal.aborted) return;
    const client = createAdsClient({
      address: `${ip}:${probe.remotePort ?? port}`,
      node,
      clock,
      random,
      onUpdate: (update) => this.#take(update),
      onStatus: (status, error) => log(`xDS: ${status}${error === undefined ? '' : `: ${error}`}`),
      onError: (error) => log(`xDS: ${error.message}`),
    });
    this.#client = client;
    signal.addEventListener('abort', () => client.stop(), { once: true });
    client.subscribe(typeUrls.listener, [target]);
    client.start();
    log(`xDS: asks ${host}:${port} for the listener ${target}`);
  }

  #take(update: XdsUpdate): readonly Rejection[] {
    const rejected: Rejection[] = [];
    for (const { name, resource } of update.upserted) {
      if (update.typeUrl === typeUrls.listener) this.#takeListener(resource as Listener);
      else if (update.typeUrl === typeUrls.route) this.#takeRoute(resource as RouteConfiguration);
      else if (update.typeUrl === typeUrls.endpoint) this.#endpoints.set(name, resource as ClusterLoadAssignment);
      else if (update.typeUrl === typeUrls.cluster) {
        const cluster = resource as Cluster;
        const message = unfit(cluster);
        if (message === undefined) this.#clusters.set(name, cluster);
        else rejected.push({ name, message });
      }
    }
    for (const name of update.removed) {
      if (update.typeUrl === typeUrls.cluster) this.#clusters.delete(name);
      if (update.typeUrl === typeUrls.endpoint) this.#endpoints.delete(name);
      if (update.typeUrl === typeUrls.listener) this.#fail(`listener ${name} does not exist`);
    }
    if (update.typeUrl === typeUrls.cluster) this.#askForEndpoints();
    this.#wake();
    return rejected;
  }

  #takeListener({ api_listener }: Listener): void {
    const { rds } = (api_listener?.api_listener ?? {}) as Partial<HttpConnectionManager>;
    this.#problem = undefined;
    if (rds === undefined || rds.route_config_name === this.#table) return;
    this.#table = rds.route_config_name;
    this.#client?.subscribe(typeUrls.route, [rds.route_config_name]);
  }

  #takeRoute(route: RouteConfiguration): void {
    this.#route = route;
    this.#client?.subscribe(typeUrls.cluster, clustersOf(route));
  }

  #askForEndpoints(): void {
    const names = [...this.#clusters.keys()].map((name) => this.#assignmentOf(name));
    this.#client?.subscribe(typeUrls.endpoint, names);
  }

  #assignmentOf = (cluster: string): string => this.#clusters.get(cluster)?.eds_cluster_config?.service_name ?? cluster;

  #isReady(): boolean {
    const { virtual_hosts } = this.#route ?? {};
    if (this.#route === undefined || virtual_hosts === undefined) return false;
    const known = clustersOf(this.#route).filter((name) => this.#clusters.has(name));
    return known.length > 0 && known.every((name) => this.#endpoints.has(this.#assignmentOf(name)));
  }

  #fail(problem: string): void {
    this.#problem = problem;
    this.#options.log(`xDS: ${problem}`);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}

/** What gRPC refuses in a cluster; undefined: nothing. */
function unfit({ type, lb_policy }: Cluster): string | undefined {
  if (type !== 'EDS') return `unsupported cluster type ${type ?? 'STATIC'}`;
  if (lb_policy !== undefined && lb_policy !== 'ROUND_ROBIN') return `unsupported lb_policy ${lb_policy}`;
  return undefined;
}

/** Healthy endpoints of the first priority that has any. */
function addressesOf(assignment: ClusterLoadAssignment | undefined): SocketAddress[] {
  const groups = [...(assignment?.endpoints ?? [])].sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0));
  for (const { priority = 0 } of groups) {
    const found = groups
      .filter((group) => (group.priority ?? 0) === priority)
      .flatMap(({ lb_endpoints = [] }) => lb_endpoints)
      .filter(({ health_status = 'UNKNOWN' }) => health_status === 'UNKNOWN' || health_status === 'HEALTHY')
      .flatMap(({ endpoint }) => endpoint.address.socket_address ?? [])
      .map(({ address, port_value }) => ({ ip: address, port: port_value }));
    if (found.length > 0) return found;
  }
  return [];
}
