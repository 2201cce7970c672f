import type { Socket } from 'node:net';
import { MeshworkError, NO_FLEETING_HOPS, type SocketAddress, spiffeId, type Timer } from '#domain';
import {
  type AdsClient,
  type AdsClientOptions,
  type AdsVariant,
  createAdsClient,
  type NameTable,
  type Rejection,
  type TypeUrl,
  typeUrls,
  type XdsUpdate,
} from '#xds';
import { AdminServer } from './admin/admin-server.ts';
import { createAdminView } from './admin/admin-view.ts';
import { scrapeApp } from './admin/app-metrics.ts';
import { LogLevels } from './admin/log-levels.ts';
import type { DrainRequest } from './admin/page.ts';
import { RuntimeLayers } from './admin/runtime-layers.ts';
import { UpdateLog } from './admin/update-log.ts';
import { Agent } from './agent/agent.ts';
import { runtimeFlags } from './agent/bootstrap-settings.ts';
import { withoutModules } from './agent/module-stand-ins.ts';
import { NameProxy } from './agent/name-proxy.ts';
import { SecretStore } from './agent/secret-store.ts';
import { ConfigStore } from './config/config-store.ts';
import type { CompiledListener } from './config/listener-config.ts';
import { StepSampler } from './decisions/hop-steps.ts';
import type { Proxy, ProxyAdmin, ProxyOptions } from './doors.ts';
import { SpanSender } from './http/call/span-sender.ts';
import { PeerMetadata } from './http/peer-metadata.ts';
import { ListenerSet } from './listener/listener-set.ts';
import { LogServices } from './log-service/log-services.ts';
import { Reception } from './reception.ts';
import { type ProxyRuntime, splitChance } from './runtime.ts';
import { RuntimeValues } from './runtime-values.ts';
import { capturesNames, describeSelf, xdsNode } from './self.ts';
import { IstioMetrics } from './stats/istio-metrics.ts';
import { ServerStats } from './stats/server-stats.ts';
import { Stats } from './stats/stats.ts';
import { statsForm } from './stats/stats-form.ts';
import { includesStat } from './stats/stats-inclusion.ts';
import { createTransports } from './transports.ts';
import { ClusterManager } from './upstream/cluster-manager.ts';
import { createPoolFor } from './upstream/create-pool.ts';
import { createProbeFor } from './upstream/health-check/create-probe.ts';

/** How long a graceful drain of listeners takes (`drainDuration` of Istio's mesh configuration). */
const DRAIN_TIME_MS = 45_000;

/** How long between two looks at connections that are still busy while draining. */
const DRAIN_LOOK_MS = 20;

/** What a test may replace. */
export interface ProxySeams {
  readonly createAdsClient: (options: AdsClientOptions) => AdsClient;
  /** False: what happens is a trial, of which no collector of spans and logs must hear. */
  readonly sendsSpans?: boolean;
}

/** A sidecar or a gateway. All its configuration comes by xDS; see `sidecar/` and `gateway/` for what it does with traffic. */
export function createProxy(options: ProxyOptions): Proxy {
  return createProxyWith(options, { createAdsClient });
}

export function createProxyWith(options: ProxyOptions, seams: ProxySeams): Proxy {
  return new MeshProxy(options, seams);
}

const noName = (name: string): Promise<never> =>
  Promise.reject(new MeshworkError('PROXY_DNS', `${name} does not resolve here`));

function healthSwitch(): { failed: boolean; set(failed: boolean): void } {
  return {
    failed: false,
    set(failed) {
      this.failed = failed;
    },
  };
}

const PLURALS: Readonly<Partial<Record<TypeUrl, string>>> = {
  [typeUrls.listener]: 'Error adding/updating listener(s) ',
  [typeUrls.cluster]: 'Error adding/updating cluster(s) ',
};

/** What Envoy logs of a refused update. */
function refusalText(variant: AdsVariant, typeUrl: TypeUrl, rejections: readonly Rejection[]): string {
  const reasons = rejections.map(({ name, message }) => `${name}: ${message}`).join(', ');
  return `${variant === 'delta' ? 'delta' : 'gRPC'} config for ${typeUrl} rejected: ${PLURALS[typeUrl] ?? ''}${reasons}`;
}

class MeshProxy implements Proxy {
  readonly admin: ProxyAdmin;
  readonly #options: ProxyOptions;
  readonly #runtime: ProxyRuntime;
  readonly #clusters: ClusterManager;
  readonly #store: ConfigStore;
  readonly #listeners: ListenerSet;
  readonly #agent: Agent;
  readonly #names: NameProxy | undefined;
  readonly #reception: Reception;
  readonly #ads: AdsClient;
  readonly #adminServer: AdminServer;
  readonly #serverStats: ServerStats;
  #warmed: (() => void) | undefined;
  #state: 'new' | 'live' | 'stopping' = 'new';
  #drainUntilMs = Number.POSITIVE_INFINITY;
  #stopped: Promise<void> | undefined;

  constructor(options: ProxyOptions, seams: ProxySeams) {
    const { clock, pod, trustDomain } = options;
    const random = options.random.stream(`proxy/${pod.namespace}/${pod.name}`);
    const identity = spiffeId(trustDomain, pod.namespace, pod.serviceAccount);
    const self = describeSelf(options, identity);
    const node = xdsNode(options);
    const variant = options.bootstrap?.variant ?? 'delta';
    const stats = new Stats();
    const secrets = new SecretStore(options.revoked, options.readFile);
    const transports = createTransports(secrets, clock);
    const metrics = new IstioMetrics(options.release);
    const health = healthSwitch();
    const values = new RuntimeValues();
    const logging = new LogLevels();
    this.#options = options;
    this.#clusters = new ClusterManager({
      clock,
      stats,
      random: random.stream('balancing'),
      resolve: options.network.resolve ?? noName,
      createPool: createPoolFor({ network: options.network, transports, clock }),
      createProbe: createProbeFor({ network: options.network, transports, clock }),
      onLog: options.onLog,
      localCluster: options.bootstrap?.localCluster,
      values,
    });
    this.#runtime = {
      self,
      clock,
      chance: splitChance(random),
      network: options.network,
      clusters: this.#clusters,
      transports,
      stats,
      values,
      metrics,
      peerMetadata: new PeerMetadata(self, node.id),
      sampler: new StepSampler(clock),
      routeTable: (name) => this.#store.routes.get(name),
      health,
      onHop: options.onHop,
      fleetingHops: options.fleetingHops ?? NO_FLEETING_HOPS,
      logServices: new LogServices({ runtime: () => this.#runtime, on: seams.sendsSpans !== false }),
      spans: new SpanSender({ clock, runtime: () => this.#runtime, on: seams.sendsSpans !== false }),
      onLog: options.onLog,
      debug: (logger) => (logging.isDebug(logger) ? (text) => this.#log('debug', text, `envoy ${logger}`) : undefined),
      onEntry: options.onEntry ?? ((entry) => options.onLog(String(entry))),
    };
    this.#store = new ConfigStore({
      clock,
      localCluster: options.bootstrap?.localCluster?.name,
      subscribe: (typeUrl, names) => this.#ads.subscribe(typeUrl, names),
      sink: {
        setListener: (listener) => {
          this.#listeners.set(listener);
          if (listener.direction === 'inbound') options.onInboundPorts?.(portsOf(listener));
        },
        removeListener: (name) => this.#listeners.remove(name),
        setCluster: (cluster, endpoints, policy) => this.#clusters.set(cluster, endpoints, policy),
        removeCluster: (name) => this.#clusters.remove(name),
        setSecret: (name, secret) => secrets.serve(name, secret),
        warmed: () => this.#warmed?.(),
      },
    });
    this.#reception = new Reception({
      proxy: options,
      runtime: this.#runtime,
      listeners: () => this.#listeners,
      onError: (text) => this.#log('error', text),
    });
    this.#listeners = new ListenerSet({
      runtime: this.#runtime,
      handling: (listener) => this.#reception.handlingOf(listener.direction),
      onConnection: (socket, listener) => this.#reception.accept(socket, listener),
    });
    this.#agent = new Agent({
      spiffeId: identity,
      signer: options.signer,
      token: options.token,
      settings: options.certificates ?? {},
      secrets,
      clock,
      random: random.stream('agent'),
      onLog: options.onLog,
    });
    this.#names = capturesNames(options.environment ?? {})
      ? new NameProxy({ namespace: pod.namespace, random: random.stream('names'), upstream: options.network.ask })
      : undefined;
    const healthFailed = (): boolean => health.failed;
    const updates = new UpdateLog();
    const startedAtMs = clock.now();
    this.#serverStats = new ServerStats({
      stats,
      clock,
      store: this.#store,
      ready: () => this.ready,
      healthFailed,
      secrets: () => secrets.list(),
    });
    this.#ads = seams.createAdsClient({
      variant,
      address: options.xdsAddress,
      node,
      token: options.token,
      clock,
      random: random.stream('xds'),
      onUpdate: (update) => {
        if (update.typeUrl === typeUrls.nameTable) return this.#takeNames(update);
        const rejections = this.#store.update(withoutModules(update, (line) => this.#log('error', line)));
        const refused = [...(update.unreadable ?? []), ...rejections];
        this.#serverStats.update(update, refused);
        updates.note(update, rejections, clock.now());
        if (refused.length > 0) this.#log('warning', refusalText(variant, update.typeUrl, refused), 'envoy config');
        return rejections;
      },
      onStatus: (status, error) => {
        this.#serverStats.connection(status);
        this.#log(status === 'connected' ? 'info' : 'warn', `xds ${status}${error ? `: ${error}` : ''}`);
      },
    });
    this.admin = createAdminView({
      store: this.#store,
      clusters: this.#clusters,
      secrets,
      stats,
      node,
      updates,
      podIp: pod.ip,
      xdsAddress: options.xdsAddress,
      variant,
      localCluster: options.bootstrap?.localCluster?.name,
      startedAtMs,
    });
    this.#adminServer = new AdminServer(
      pod.ip,
      {
        admin: this.admin,
        clusters: () => this.#clusters.all(),
        stats,
        includesStat: includesStat(options.bootstrap?.statsInclusion, pod.ip),
        form: statsForm(options.bootstrap),
        metrics,
        clock,
        startedAtMs,
        ready: () => this.ready,
        node,
        logging,
        runtime: new RuntimeLayers(runtimeFlags(options.bootstrap?.runtimeValues), { stats, values }),
        health,
        textReadouts: () => this.#serverStats.readouts(),
        drainListeners: (which) => this.#drainListeners(which),
        quit: () => options.onQuit?.(),
      },
      {
        ...(options.network.listen && { listen: options.network.listen }),
        scrapeApp: (headers) => scrapeApp(options, options.appMetrics, headers),
        compresses: options.bootstrap?.statsCompression !== false,
      },
    );
  }

  get ask(): Proxy['ask'] {
    return this.#names?.ask;
  }

  #namesLoaded(): Promise<void> {
    const names = this.#names;
    if (names === undefined) return Promise.resolve();
    this.#ads.subscribe(typeUrls.nameTable, '*');
    return new Promise((resolve) => names.whenLoaded(resolve));
  }

  #takeNames({ upserted }: XdsUpdate): readonly Rejection[] {
    for (const { resource } of upserted) this.#names?.update(resource as NameTable);
    return [];
  }

  #drainListeners({ inboundOnly, graceful, skipExit }: DrainRequest): void {
    this.#listeners.drain({ inboundOnly, keepListening: graceful || skipExit });
    if (graceful && !skipExit) this.#runtime.clock.after(DRAIN_TIME_MS, () => this.#listeners.drain({ inboundOnly }));
  }

  get ready(): boolean {
    return this.#state === 'live';
  }

  async start(signal: AbortSignal): Promise<void> {
    const warm = new Promise<void>((resolve, reject) => {
      this.#warmed = resolve;
      const onAbort = (): void => reject(new MeshworkError('PROXY_ABORTED', 'the proxy was stopped while it started'));
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
    });
    // Rejected while something else is awaited below, it must not count as unhandled.
    warm.catch(() => undefined);
    await this.#adminServer.start();
    this.#reception.bindPodPorts();
    // Without a certificate no listener could serve TLS: the agent comes first.
    await this.#agent.start(signal);
    this.#ads.start();
    this.#store.preset(this.#options.bootstrap?.staticClusters ?? []);
    this.#ads.subscribe(typeUrls.cluster, '*');
    this.#ads.subscribe(typeUrls.listener, '*');
    // As Istio's agent, it is not ready before it can answer.
    await Promise.all([warm, this.#namesLoaded()]);
    // Listeners open when the hosts that are to be checked have been.
    await new Promise<void>((resolve) => this.#clusters.whenWarm(resolve));
    await this.#listeners.bound();
    this.#state = 'live';
    this.#serverStats.started();
    this.#log('info', 'Envoy proxy is ready');
  }

  acceptInbound(socket: Socket, originalDestination: SocketAddress): void {
    this.#reception.acceptInbound(socket, originalDestination);
  }

  drain(): void {
    this.#listeners.drain({ inboundOnly: this.#options.role === 'sidecar', keepListening: true });
  }

  stop(drainMs: number): Promise<void> {
    this.#drainUntilMs = Math.min(this.#drainUntilMs, this.#runtime.clock.monotonic() + drainMs);
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#state = 'stopping';
    this.drain();
    await this.#drained();
    this.#reception.close();
    this.#listeners.stopListening();
    this.#runtime.spans.stop();
    this.#runtime.logServices.stop();
    this.#ads.stop();
    this.#store.stop();
    this.#agent.stop();
    this.#listeners.close();
    this.#clusters.close();
    this.#adminServer.stop();
  }

  /**
   * Waits until no client is connected and nothing is under way, as long as it may: a client that has been told keeps no connection, and one
   * that has not would send its next request to nobody.
   */
  #drained(): Promise<void> {
    const { clock } = this.#runtime;
    const clients = { inboundOnly: this.#options.role === 'sidecar' };
    return new Promise((resolve) => {
      const look = (): Timer | undefined => {
        const over = this.#listeners.busy === 0 && this.#listeners.connections(clients) === 0;
        if (over || clock.monotonic() >= this.#drainUntilMs) {
          resolve();
          return undefined;
        }
        return clock.after(DRAIN_LOOK_MS, look);
      };
      look();
    });
  }

  #log(level: 'debug' | 'info' | 'warn' | 'warning' | 'error', text: string, scope = 'envoy'): void {
    this.#options.onLog(`${new Date(this.#runtime.clock.now()).toISOString()}\t${level}\t${scope}\t${text}`);
  }
}

/** The ports that a listener's chains name. */
const portsOf = ({ chains }: CompiledListener): number[] => [
  ...new Set(chains.flatMap(({ match }) => match.destination_port ?? [])),
];
