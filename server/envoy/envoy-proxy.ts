import type { Socket } from 'node:net';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { Agent, type Proxy, type ProxyAdmin, type ProxyOptions, SecretStore, xdsNode } from '#data-plane';
import { MeshworkError, type SocketAddress, spiffeId } from '#domain';
import { addAdsRelay } from './ads-relay.ts';
import { bootstrap } from './bootstrap.ts';
import { type EnvoyProcess, startEnvoy } from './envoy-process.ts';
import { followLines } from './follow-lines.ts';
import { podNetwork } from './pod-network.ts';
import { PodWires } from './pod-wires.ts';
import { addSecretService } from './secret-service.ts';

export interface EnvoyProxyOptions {
  /** The program, by its path. */
  readonly program: string;
  /** The port of this machine that stands for a port of the sandbox. */
  readonly hostPort: (port: number) => number;
}

/** What a proxy of ours shows of itself; a real Envoy shows it on its port 15000. */
const SHOWN_ELSEWHERE: ProxyAdmin = {
  listeners: () => [],
  routes: () => [],
  clusters: () => [],
  endpoints: () => [],
  secrets: () => [],
  rotations: () => [],
  configDump: () => ({ configs: [] }),
  stats: () => new Map(),
};

/** Secrets that somebody is told of when they change. */
class ToldSecrets extends SecretStore {
  onChange: () => void = () => undefined;

  override set(...given: Parameters<SecretStore['set']>): void {
    super.set(...given);
    this.onChange();
  }
}

/** A real Envoy in the place of a proxy of ours: the same configuration, certificates by SDS, the pod's own ports. */
export const createEnvoyProxy =
  (envoy: EnvoyProxyOptions) =>
  (options: ProxyOptions): Proxy =>
    new EnvoyProxy(envoy, options);

class EnvoyProxy implements Proxy {
  readonly admin = SHOWN_ELSEWHERE;
  readonly #envoy: EnvoyProxyOptions;
  readonly #options: ProxyOptions;
  readonly #wires: PodWires;
  readonly #secrets = new ToldSecrets();
  readonly #agent: Agent;
  readonly #server = new Server();
  #relay: { close(): void } | undefined;
  #process: EnvoyProcess | undefined;
  readonly #followed: (() => void)[] = [];
  #stopping = false;

  constructor(envoy: EnvoyProxyOptions, options: ProxyOptions) {
    const { certificates, clock, network, onLog, pod, random, signer, token, trustDomain } = options;
    this.#envoy = envoy;
    this.#options = options;
    const ports = options.role === 'sidecar' ? pod.ports : [];
    this.#wires = new PodWires({ podIp: pod.ip, network, ports });
    this.#agent = new Agent({
      spiffeId: spiffeId(trustDomain, pod.namespace, pod.serviceAccount),
      signer,
      token,
      settings: certificates ?? {},
      secrets: this.#secrets,
      clock,
      random: random.stream('agent'),
      onLog,
    });
  }

  get ready(): boolean {
    return this.#process !== undefined && !this.#stopping;
  }

  async start(signal: AbortSignal): Promise<void> {
    const { clock, network, onLog, pod, xdsAddress } = this.#options;
    const { hostPort, program } = this.#envoy;
    await this.#wires.open();
    await this.#agent.start(signal);
    const wires = podNetwork({
      podIp: pod.ip,
      passthrough: this.#wires.passthrough,
      hostPort,
      resolve: (name) => network.resolve?.(name) ?? Promise.reject(new Error(`no address of ${name}`)),
      onInboundPorts: (ports) => this.#options.onInboundPorts?.(ports),
    });
    this.#relay = addAdsRelay(this.#server, xdsAddress, wires);
    this.#secrets.onChange = addSecretService(this.#server, this.#secrets);
    const port = await this.#serve(pod.ip);
    const { id, cluster, metadata } = xdsNode(this.#options);
    const config = bootstrap({
      node: { id, cluster, metadata },
      podIp: pod.ip,
      variant: 'delta',
      adsPort: port,
      sdsPort: port,
      agentPorts: true,
    });
    const started = await startEnvoy({ program, bootstrap: config, adminIp: pod.ip, clock, signal });
    this.#process = started;
    this.#followed.push(
      followLines(started.files.access, clock, this.#options.onEntry ?? onLog),
      followLines(started.files.own, clock, onLog),
    );
    void started.ended.then(() => {
      if (this.#stopping) return;
      onLog('error\tenvoy\tthe process has ended');
      this.#options.onQuit?.();
    });
  }

  acceptInbound(socket: Socket, originalDestination: SocketAddress): void {
    this.#wires.inbound(socket, originalDestination);
  }

  async stop(drainMs: number): Promise<void> {
    const started = this.#process;
    this.#stopping = true;
    if (started !== undefined && drainMs > 0) await this.#drain(started, drainMs);
    this.#agent.stop();
    for (const end of this.#followed) end();
    await started?.stop();
    this.#relay?.close();
    this.#server.forceShutdown();
    this.#wires.close();
  }

  /** Waits until nothing is under way, as long as it may. */
  async #drain(started: EnvoyProcess, drainMs: number): Promise<void> {
    const { clock } = this.#options;
    const until = clock.monotonic() + drainMs;
    await started.admin('/drain_listeners?graceful&skip_exit', 'POST').catch(() => '');
    while (clock.monotonic() < until) {
      const active = await started.admin('/stats?filter=downstream_rq_active$').catch(() => '');
      if (!/: [1-9]/.test(active)) return;
      await new Promise<void>((resolve) => clock.after(20, resolve));
    }
  }

  #serve(ip: string): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(`${ip}:0`, ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(port);
        else reject(new MeshworkError('PROXY_BIND', `cannot serve Envoy on ${ip}`, { cause: error }));
      }),
    );
  }
}
