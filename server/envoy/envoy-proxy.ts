import { createServer, type Server as HttpServer } from 'node:http';
import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  Agent,
  AgentMetrics,
  agentPort,
  capturesNames,
  describeSelf,
  listenOnTcp,
  NameProxy,
  type PortBinding,
  type Proxy,
  type ProxyAdmin,
  type ProxyOptions,
  type ProxySelf,
  SecretStore,
  scrapeApp,
  ToldCalls,
  withoutModule,
  xdsNode,
} from '#data-plane';
import { errorMessage, MeshworkError, type SocketAddress, spiffeId, type Timer } from '#domain';
import { AGENT_COUNTS, type TypedExtensionConfig } from '#xds';
import { addAdsRelay } from './ads-relay.ts';
import { bootstrap } from './bootstrap.ts';
import { ChainsInForce } from './chains-in-force.ts';
import { CallCounts, envoyHop } from './envoy-hop.ts';
import { type EnvoyFiles, type EnvoyProcess, FLUSH_MS, startEnvoy } from './envoy-process.ts';
import { EnvoyView } from './envoy-view.ts';
import { followLines, type LineFollower } from './follow-lines.ts';
import type { HopEntry } from './hop-format.ts';
import { NameBook } from './name-book.ts';
import { NameServer } from './name-server.ts';
import { nameTableStream } from './name-table-stream.ts';
import { isInside, podNetwork } from './pod-network.ts';
import { ENVOY_PORTS, PodWires } from './pod-wires.ts';
import { addSecretService } from './secret-service.ts';
import { StatsPlans } from './stats-plans.ts';
import { toldCall } from './told-call.ts';
import { ToldHandshakes } from './told-handshakes.ts';

export interface EnvoyProxyOptions {
  /** The program, by its path. */
  readonly program: string;
  /** The port of this machine that stands for a port of the sandbox. */
  readonly hostPort: (port: number) => number;
}

/** What all Envoys of a mesh share. */
interface EnvoyMesh extends EnvoyProxyOptions {
  /** Their workloads, by the addresses of their pods. */
  readonly pods: Map<string, ProxySelf>;
  readonly counts: CallCounts;
}

const AGENT_PORT = 15020;
/** An Envoy has 20 MB of its own in a small mesh; somebody else needs memory, too. */
const LEAST_MEMORY = 256 * 1024 * 1024;
const LOOK_MS = 20;
/** A request, but for those of whoever asks for figures; a connection of a client to the pod. */
const BUSY = new RegExp(
  `^(http\\.(?!(admin|agent)\\.).*downstream_rq|listener\\..*_${ENVOY_PORTS.inbound}\\.downstream_cx)_active: [1-9]`,
);
const FILES_LOOK_MS = 1000;
const ROOT_SECRET = 'ROOTCA';

/** Secrets that somebody is told of when they change. */
class ToldSecrets extends SecretStore {
  onChange: () => void = () => undefined;

  override set(...given: Parameters<SecretStore['set']>): void {
    super.set(...given);
    this.onChange();
  }
}

/** A real Envoy in the place of a proxy of ours: the same configuration, certificates by SDS, the pod's own ports. */
export function createEnvoyProxy(envoy: EnvoyProxyOptions): (options: ProxyOptions) => Proxy {
  const mesh: EnvoyMesh = { ...envoy, pods: new Map(), counts: new CallCounts() };
  return (options) => new EnvoyProxy(mesh, options);
}

class EnvoyProxy implements Proxy {
  readonly admin: ProxyAdmin;
  readonly #mesh: EnvoyMesh;
  readonly #options: ProxyOptions;
  readonly #wires: PodWires;
  readonly #self: ProxySelf;
  /** Istio's metrics, which Envoy itself does not have. */
  readonly #calls: ToldCalls;
  readonly #plans = new StatsPlans();
  readonly #chains = new ChainsInForce();
  readonly #secrets: ToldSecrets;
  readonly #handshakes = new ToldHandshakes(() => this.#secrets.roots(ROOT_SECRET));
  readonly #agent: Agent;
  readonly #names = new NameBook();
  readonly #nameServer: NameServer;
  /** Answers the application, where capture leads its questions here. */
  readonly #appNames: NameProxy | undefined;
  readonly #server = new Server();
  #agentPort: { readonly binding: PortBinding; readonly server: HttpServer } | undefined;
  #relay: { close(): void } | undefined;
  #process: EnvoyProcess | undefined;
  #routesVersion = '';
  #filesTimer: Timer | undefined;
  #followed: readonly LineFollower[] = [];
  #stopping = false;
  #closed: Promise<void> | undefined;

  constructor(mesh: EnvoyMesh, options: ProxyOptions) {
    const { certificates, clock, network, onLog, pod, random, signer, token, trustDomain } = options;
    this.#mesh = mesh;
    this.#options = options;
    const identity = spiffeId(trustDomain, pod.namespace, pod.serviceAccount);
    this.#self = describeSelf(options, identity);
    this.#calls = new ToldCalls(this.#self);
    this.#secrets = new ToldSecrets(options.revoked, options.readFile);
    const ports = options.role === 'sidecar' ? pod.ports : [];
    this.#wires = new PodWires({ podIp: pod.ip, network, ports });
    this.#nameServer = new NameServer({ ip: pod.ip, resolve: (name) => this.#resolve(name) });
    this.#appNames = capturesNames(options.environment ?? {})
      ? new NameProxy({ namespace: pod.namespace, random: random.stream('names'), upstream: network.ask })
      : undefined;
    this.#agent = new Agent({
      spiffeId: identity,
      signer,
      token,
      settings: certificates ?? {},
      secrets: this.#secrets,
      clock,
      random: random.stream('agent'),
      onLog,
    });
    const view = new EnvoyView((path) => this.#ask(path), clock);
    this.admin = {
      listeners: () => view.listeners(),
      routes: () => view.routes(),
      clusters: () => view.clusters(),
      endpoints: () => view.endpoints(),
      configDump: () => view.configDump(),
      stats: () => view.stats(),
      refresh: async () => {
        await view.refresh();
        await this.#told();
      },
      secrets: () => this.#secrets.list(),
      rotations: () => this.#secrets.rotations(),
    };
  }

  get ready(): boolean {
    return this.#process !== undefined && !this.#stopping;
  }

  get ask(): Proxy['ask'] {
    return this.#appNames?.ask;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, onLog, pod } = this.#options;
    if (process.availableMemory() < LEAST_MEMORY)
      throw new MeshworkError('MW9315', `no memory for one more Envoy: ${this.#mesh.pods.size} run already`);
    this.#mesh.pods.set(pod.ip, this.#self);
    await this.#wires.open();
    await this.#openAgentPort();
    await this.#agent.start(signal);
    const nameServer = { ip: pod.ip, port: await this.#nameServer.start() };
    const started = await startEnvoy({
      program: this.#mesh.program,
      bootstrap: async (files) => this.#bootstrap(await this.#serveXds(files, nameServer), nameServer),
      adminIp: pod.ip,
      clock,
      signal,
    });
    this.#process = started;
    this.#followed = [
      followLines(started.files.access, clock, this.#options.onEntry ?? onLog),
      followLines(started.files.own, clock, onLog),
      followLines(started.files.hops, clock, (line) => this.#tellHop(line)),
    ];
    void started.ended.then((how) => this.#ended(how));
    await this.#namesLoaded(signal);
    this.#log('info', 'Envoy proxy is ready');
  }

  acceptInbound(socket: Socket, originalDestination: SocketAddress): void {
    this.#wires.inbound(socket, originalDestination);
  }

  drain(): void {
    const inboundOnly = this.#options.role === 'sidecar' ? 'inboundonly&' : '';
    this.#ask(`/drain_listeners?${inboundOnly}graceful`, 'POST').catch((cause: unknown) => {
      if (!this.#stopping) this.#log('error', `failed to drain: ${errorMessage(cause)}`);
    });
  }

  /** An Envoy that was told to quit ends by itself, and its pod stops it once more: what closes closes once. */
  async stop(drainMs: number): Promise<void> {
    const started = this.#process;
    if (started !== undefined && drainMs > 0 && !this.#stopping) {
      this.drain();
      await this.#drained(started, drainMs);
    }
    this.#closed ??= this.#close(started);
    await this.#closed;
  }

  async #close(started: EnvoyProcess | undefined): Promise<void> {
    this.#stopping = true;
    this.#agent.stop();
    this.#filesTimer?.cancel();
    await started?.stop();
    for (const followed of this.#followed) followed.stop();
    this.#relay?.close();
    this.#server.forceShutdown();
    this.#nameServer.stop();
    this.#agentPort?.binding.close();
    this.#agentPort?.server.closeAllConnections();
    this.#wires.close();
    this.#mesh.pods.delete(this.#options.pod.ip);
  }

  /** Everything that Envoy has written down so far is told. */
  async #told(): Promise<void> {
    await new Promise<void>((resolve) => this.#options.clock.after(FLUSH_MS, resolve));
    for (const followed of this.#followed) followed.read();
  }

  /** Before it has the table of names, the agent answers nobody: the pod is not ready. */
  async #namesLoaded(signal: AbortSignal): Promise<void> {
    const names = this.#appNames;
    if (names === undefined || signal.aborted) return;
    await new Promise<void>((resolve) => {
      names.whenLoaded(resolve);
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  /** What istiod sends, changed to what holds on this machine, and the secrets; resolves with the port. */
  #serveXds(files: EnvoyFiles, nameServer: SocketAddress): Promise<number> {
    const { network, onInboundPorts, onLog, pod, token, xdsAddress } = this.#options;
    const names = this.#appNames;
    const wires = podNetwork({
      podIp: pod.ip,
      passthrough: this.#wires.passthrough,
      hostPort: this.#mesh.hostPort,
      hopsFile: files.hops,
      plans: this.#plans,
      chains: this.#chains,
      nameServer,
      onName: (name, port) => this.#names.note(name, port),
      reach: (address) => void network.reach?.(address),
      onInboundPorts: (ports) => onInboundPorts?.(ports),
    });
    const changes = {
      ...wires,
      extension: (config: TypedExtensionConfig) => withoutModule(config, onLog),
      words: names && nameTableStream((table) => names.update(table)),
      onRoutes: (version: string) => {
        this.#routesVersion = version;
      },
      onListenersAnswered: (taken: boolean) => this.#chains.answered(taken, this.#options.clock.now()),
    };
    this.#relay = addAdsRelay(this.#server, xdsAddress, changes, token);
    this.#secrets.onChange = addSecretService(this.#server, this.#secrets);
    this.#watchFiles();
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(`${pod.ip}:0`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(new MeshworkError('PROXY_BIND', `cannot serve Envoy on ${pod.ip}`, { cause: error }));
      }),
    );
  }

  #bootstrap(port: number, nameServer: SocketAddress): object {
    const { id, cluster, metadata } = xdsNode(this.#options);
    return bootstrap({
      node: { id, cluster, metadata: { ...metadata, [AGENT_COUNTS]: 'true' } },
      podIp: this.#options.pod.ip,
      variant: this.#options.bootstrap?.variant ?? 'delta',
      adsPort: port,
      sdsPort: port,
      nameServer,
      settings: this.#options.bootstrap,
    });
  }

  /** Addresses of this sandbox only, each of which the proxy can then connect to. */
  async #resolve(name: string): Promise<readonly string[]> {
    const { network, pod } = this.#options;
    if (network.resolve === undefined) throw new MeshworkError('PROXY_DNS', `${name} does not resolve here`);
    const found = (await network.resolve(name)).addresses.filter((ip) => isInside(pod.ip, ip));
    const places = found.flatMap((ip) => this.#names.placesOf(name, ip));
    await Promise.all(places.map((place) => network.reach?.(place)));
    return found;
  }

  async #openAgentPort(): Promise<void> {
    const { clock, network, pod } = this.#options;
    const admin = (path: string, method?: 'POST'): Promise<string> => this.#ask(path, method);
    const server = createServer(
      agentPort({
        ip: pod.ip,
        agent: new AgentMetrics({ admin: this.admin, clock }),
        scrapeApp: (headers) => scrapeApp(this.#options, this.#options.appMetrics, headers),
        proxyMetrics: async () => `${this.#calls.text()}${await admin('/stats/prometheus')}`,
        ready: () =>
          this.ready &&
          admin('/ready').then(
            (text) => text.startsWith('LIVE'),
            () => false,
          ),
        quit: () => this.#options.onQuit?.(),
        drain: () =>
          void admin('/drain_listeners?inboundonly&graceful&skip_exit', 'POST').catch((cause: unknown) =>
            this.#log('error', `failed to drain: ${errorMessage(cause)}`),
          ),
      }),
    );
    const listen = network.listen ?? listenOnTcp;
    const binding = listen({ ip: pod.ip, port: AGENT_PORT }, (socket) => void server.emit('connection', socket));
    this.#agentPort = { binding, server };
    await binding.bound;
  }

  #ask(path: string, method?: 'POST'): Promise<string> {
    return this.#process?.admin(path, method) ?? Promise.reject(new Error('Envoy is not ready'));
  }

  /** Certificates and lists of revoked ones may be files of the pod, which may change. */
  #watchFiles(): void {
    this.#filesTimer = this.#options.clock.after(FILES_LOOK_MS, () => {
      this.#secrets.onChange();
      this.#watchFiles();
    });
  }

  #tellHop(line: string): void {
    const { onHop, pod } = this.#options;
    const { counts, pods } = this.#mesh;
    const surroundings = {
      proxy: this.#self.inHops,
      podIp: pod.ip,
      pushVersion: this.#routesVersion,
      isEnvoy: (ip: string) => pods.has(ip),
      counts,
      handshakes: this.#handshakes,
      chains: this.#chains,
    };
    try {
      const told = JSON.parse(line) as HopEntry;
      const entry = this.#wires.asMeant(told);
      this.#calls.count(
        toldCall(entry, (ip) => pods.get(ip)),
        this.#plans.of(entry.plans),
      );
      onHop(envoyHop(entry, surroundings));
    } catch (cause) {
      this.#log('error', `a hop cannot be read: ${errorMessage(cause)}`);
    }
  }

  #ended(how: string): void {
    if (this.#stopping) return;
    if (how === 'exit status 0') {
      this.#log('info', 'Envoy exited normally');
      this.#options.onQuit?.();
      return;
    }
    this.#options.onCrash?.(new MeshworkError('PROXY_CRASHED', `Envoy exited with error: ${how}`));
  }

  /**
   * Waits until no request is under way and no client is connected to its inbound port, as long as it may: a client that has been told keeps no
   * connection, and one that has not would send its next request to nobody.
   */
  async #drained(started: EnvoyProcess, drainMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + drainMs;
    while (clock.monotonic() < until) {
      const figures = await started.admin('/stats?filter=downstream_(rq|cx)_active$').catch(() => '');
      if (!figures.split('\n').some((line) => BUSY.test(line))) return;
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
    }
  }

  #log(level: 'info' | 'error', text: string): void {
    this.#options.onLog(`${new Date(this.#options.clock.now()).toISOString()}\t${level}\tenvoy\t${text}`);
  }
}
