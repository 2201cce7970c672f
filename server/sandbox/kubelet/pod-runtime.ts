import type { Socket } from 'node:net';
import type { Proxy } from '#data-plane';
import type { Clock, SocketAddress, Timer } from '#domain';
import type { Dial, FetchInit, FetchResponse } from '#workloads';
import type { ContainerState, RunningPod } from '../doors.ts';
import type { PodWorld } from '../exec/pod-world.ts';
import { type ContainerIo, runCommand } from '../exec/run-command.ts';
import type { Condition, ContainerSpec, PodObject } from '../kube-types.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { qosClass } from './quality.ts';

export interface PodParts {
  readonly pod: PodObject;
  readonly ip: string;
  readonly hostIp: string;
  readonly clock: Clock;
  readonly init: readonly ContainerRuntime[];
  readonly containers: readonly ContainerRuntime[];
  /** Makes a container that comes to the pod while it runs. */
  readonly ephemeral: (spec: ContainerSpec) => ContainerRuntime;
  readonly appListeners: readonly SocketAddress[];
  /** The application starts when its proxy is ready. */
  readonly holdsApplication: boolean;
  readonly proxy: () => Proxy | undefined;
  readonly fetch: (url: string, init?: FetchInit) => Promise<FetchResponse>;
  /** What a program in the container finds around it. */
  readonly world: (container: string) => PodWorld;
  readonly dial: Dial;
  readonly console: (container: string) => { end(exitCode: number): void } | undefined;
  /** Why the pod cannot be set up yet; undefined when it can. */
  readonly obstacle: () => string | undefined;
  readonly onObstacle: (message: string) => void;
  readonly onEvicted: (message: string) => void;
  /** Called when all containers have stopped. */
  readonly onStop: () => Promise<void>;
}

const SETUP_RETRY_MS = 1000;
/** How long sidecar containers may still work when the containers that they serve have ended. */
const SIDECAR_DRAIN_MS = 500;
/** What the shell says of a program that was killed. */
const KILLED = 137;

/** A pod's containers as one: their order, their conditions, and the door that others see. */
export class PodRuntime implements RunningPod {
  readonly #parts: PodParts;
  readonly #startedMs: number;
  readonly #since = new Map<string, Condition>();
  /** By name, in the order in which they came. */
  readonly #ephemeral = new Map<string, ContainerRuntime>();
  #stopped = false;
  /** Why the kubelet has ended it. */
  #evicted: string | undefined;
  #endByMs = Number.POSITIVE_INFINITY;
  #ending: Promise<void> | undefined;
  readonly #hurry = Promise.withResolvers<void>();
  readonly #hooks = new AbortController();
  #deadline: Timer | undefined;

  constructor(parts: PodParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.now();
  }

  get name(): string {
    return this.#parts.pod.metadata.name;
  }

  get namespace(): string {
    return this.#parts.pod.metadata.namespace ?? '';
  }

  get ip(): string {
    return this.#parts.ip;
  }

  get labels(): Readonly<Record<string, string>> {
    return this.#parts.pod.metadata.labels ?? {};
  }

  get object(): PodObject {
    return this.#parts.pod;
  }

  get containers(): readonly ContainerState[] {
    return [...this.#parts.init, ...this.#parts.containers].map(({ view }) => view);
  }

  get appListeners(): readonly SocketAddress[] {
    return this.#parts.appListeners;
  }

  get proxy(): Proxy | undefined {
    return this.#parts.proxy();
  }

  get ready(): boolean {
    const beside = this.#parts.init.filter(isSidecar);
    return this.#initialized && [...beside, ...this.#parts.containers].every(({ ready }) => ready);
  }

  get #initialized(): boolean {
    return this.#parts.init.every((each) => (isSidecar(each) ? each.started : each.ready));
  }

  logs(container: string): readonly string[] {
    return this.#find(container)?.log.lines() ?? [];
  }

  followLogs(container: string, onLine: (line: string) => void): () => void {
    return this.#find(container)?.log.follow(onLine) ?? (() => undefined);
  }

  fetch(url: string, init?: FetchInit): Promise<FetchResponse> {
    return this.#parts.fetch(url, init);
  }

  exec(
    container: string,
    command: readonly string[],
  ): { readonly stdout: string; readonly exitCode: number } | undefined {
    const runtime = this.#find(container);
    if (runtime === undefined) return undefined;
    const own = runtime.program?.exec?.(command);
    if (own !== undefined) return own;
    const stdout = this.#builtIn(container, command);
    return stdout === undefined ? undefined : { stdout, exitCode: 0 };
  }

  run(container: string, command: readonly string[], io: ContainerIo): Promise<number> {
    return runCommand(command, io, this.#parts.world(container));
  }

  world(container: string): PodWorld {
    return this.#parts.world(container);
  }

  dial(host: string, port: number): Promise<Socket> {
    return this.#parts.dial(host, port);
  }

  /** A shell of the container that waits for somebody to attach. */
  console(container: string): { end(exitCode: number): void } | undefined {
    return this.#parts.console(container);
  }

  container(name: string): ContainerRuntime | undefined {
    return this.#find(name);
  }

  /** Starts those that are new among the pod's ephemeral containers. */
  addEphemeral(specs: readonly ContainerSpec[]): void {
    for (const spec of specs) {
      if (this.#stopped || this.#ephemeral.has(spec.name)) continue;
      const container = this.#parts.ephemeral(spec);
      this.#ephemeral.set(spec.name, container);
      void container.start();
    }
  }

  /** Volumes first, then init containers one after the other, then all the others at once. Resolves when their work is done for good. */
  async start(): Promise<void> {
    await this.#setUp();
    if (this.#stopped) return;
    for (const container of this.#parts.init) {
      await container.start();
      if (isSidecar(container)) await container.untilStarted();
    }
    if (this.#stopped || !this.#initialized) return;
    const held = this.#parts.holdsApplication ? this.#parts.containers.filter(({ view }) => view.kind === 'proxy') : [];
    await Promise.all(held.map((container) => container.start()));
    await Promise.all(
      this.#parts.containers.filter((each) => !held.includes(each)).map((container) => container.start()),
    );
    await Promise.all(this.#parts.containers.map((container) => container.untilOver()));
    if (!this.#stopped) await this.#endSidecars((container) => container.end(SIDECAR_DRAIN_MS));
  }

  /** The last that started goes first. */
  async #endSidecars(end: (container: ContainerRuntime) => Promise<void>): Promise<void> {
    for (const container of this.#parts.init.filter(isSidecar).reverse()) await end(container);
  }

  /** Waits for the ConfigMaps and Secrets that the pod mounts. */
  async #setUp(): Promise<void> {
    for (;;) {
      const obstacle = this.#parts.obstacle();
      if (obstacle === undefined || this.#stopped) return;
      this.#parts.onObstacle(obstacle);
      for (const container of this.#parts.containers) container.hold('ContainerCreating');
      await new Promise((resolve) => this.#parts.clock.after(SETUP_RETRY_MS, () => resolve(undefined)));
    }
  }

  /**
   * Ends within `graceMs`: everything serves on, and proxies tell their clients, until `told`, when nobody is sent here any more. Then proxies
   * end first, because what they still carry needs the application behind them; sidecar containers last, because the others may need them.
   * A container with a preStop hook is not told to end before that hook has. When it is called again, the time can only become shorter.
   */
  async stop(graceMs: number, told: Promise<void> = Promise.resolve()): Promise<void> {
    this.#stopped = true;
    this.#endByMs = Math.min(this.#endByMs, this.#parts.clock.monotonic() + graceMs);
    this.#deadline?.cancel();
    if (graceMs <= 0) this.#timeIsUp();
    else
      this.#deadline = this.#parts.clock.after(this.#endByMs - this.#parts.clock.monotonic(), () => this.#timeIsUp());
    this.#ending ??= this.#end(told).finally(() => this.#deadline?.cancel());
    await this.#ending;
  }

  /** The kubelet ends it for what it uses; it stays there, failed, until somebody deletes it. */
  evict(message: string): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#evicted = message;
    this.#parts.onEvicted(message);
    for (const container of this.#all) {
      container.drain();
      // One that does not end well has ended all the same.
      container.end(0, KILLED).catch(() => undefined);
    }
  }

  #timeIsUp(): void {
    this.#hooks.abort();
    this.#hurry.resolve();
    // Whoever waits for an end with more time waits no longer.
    if (this.#ending !== undefined) for (const container of this.#all) container.stop(0).catch(() => undefined);
  }

  get #all(): readonly ContainerRuntime[] {
    return [...this.#parts.containers, ...this.#ephemeral.values(), ...this.#parts.init];
  }

  async #end(told: Promise<void>): Promise<void> {
    const { clock } = this.#parts;
    const leftMs = (): number => Math.max(0, this.#endByMs - clock.monotonic());
    for (const container of this.#all) container.drain();
    const hooked = new Map(this.#all.map((container) => [container, container.preStop(this.#hooks.signal)]));
    const end = async (container: ContainerRuntime): Promise<void> => {
      await hooked.get(container);
      await container.stop(leftMs());
    };
    await Promise.race([told, this.#hurry.promise]);
    const once = [
      ...this.#parts.containers,
      ...this.#ephemeral.values(),
      ...this.#parts.init.filter((each) => !isSidecar(each)),
    ];
    const proxies = once.filter(({ view }) => view.kind === 'proxy');
    const others = once.filter((container) => !proxies.includes(container));
    await Promise.all(proxies.map(end));
    await Promise.all(others.map(end));
    await this.#endSidecars(end);
    await this.#parts.onStop();
  }

  /** status of the Pod object. */
  status(): { readonly conditions: readonly Condition[]; readonly [field: string]: unknown } {
    const { ip, hostIp, init, containers } = this.#parts;
    return {
      phase: this.#phase(),
      ...(this.#evicted !== undefined && { reason: 'Evicted', message: this.#evicted }),
      podIP: ip,
      podIPs: [{ ip }],
      hostIP: hostIp,
      startTime: new Date(this.#startedMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      qosClass: qosClass(this.object),
      conditions: this.#conditions(),
      ...(init.length > 0 ? { initContainerStatuses: init.map((container) => container.status()) } : {}),
      containerStatuses: containers.map((container) => container.status()),
      ...(this.#ephemeral.size > 0 && {
        ephemeralContainerStatuses: [...this.#ephemeral.values()].map((container) => container.status()),
      }),
    };
  }

  /** All ended for good: Succeeded or Failed; one that runs, or ran, makes the pod run. */
  #phase(): string {
    const { containers, init } = this.#parts;
    if (this.#evicted !== undefined) return 'Failed';
    const codes = containers.map(({ exitCode }) => exitCode);
    if (init.some((each) => !isSidecar(each) && (each.exitCode ?? 0) !== 0)) return 'Failed';
    if (codes.every((code) => code !== undefined)) {
      if (init.some((each) => isSidecar(each) && each.running)) return 'Running';
      return codes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
    }
    const started = containers.some(
      ({ running, exitCode, view }) => running || exitCode !== undefined || view.restarts > 0,
    );
    return started ? 'Running' : 'Pending';
  }

  #conditions(): Condition[] {
    const phase = this.#phase();
    const unready = this.#parts.containers.filter(({ ready }) => !ready).map(({ view }) => view.name);
    const message = `containers with unready status: [${unready.join(' ')}]`;
    const ended = phase === 'Succeeded' || phase === 'Failed';
    const why =
      unready.length === 0 ? {} : ended ? { reason: 'PodCompleted' } : { reason: 'ContainersNotReady', message };
    return [
      this.#condition('PodScheduled', true, {}),
      this.#condition('Initialized', this.#initialized, {}),
      this.#condition('ContainersReady', unready.length === 0, why),
      this.#condition('Ready', this.ready, why),
      ...(this.#evicted === undefined
        ? []
        : [this.#condition('DisruptionTarget', true, { reason: 'TerminationByKubelet', message: this.#evicted })]),
    ];
  }

  #condition(type: string, holds: boolean, why: { reason?: string; message?: string }): Condition {
    const status = holds ? 'True' : 'False';
    const before = this.#since.get(type);
    const now = new Date(this.#parts.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : now;
    const condition: Condition = { type, status, lastTransitionTime, ...why };
    this.#since.set(type, condition);
    return condition;
  }

  #find(container: string): ContainerRuntime | undefined {
    return (
      this.#ephemeral.get(container) ??
      [...this.#parts.containers, ...this.#parts.init].find(({ view }) => view.name === container)
    );
  }

  #builtIn(container: string, command: readonly string[]): string | undefined {
    const [program = '', ...args] = command;
    if (program === 'hostname') return args[0] === '-i' ? `${this.ip}\n` : `${this.name}\n`;
    if (program === 'env' || program === 'printenv') return environmentText(this.#parts.world(container).env, args[0]);
    if (program === 'cat' && args[0] === '/etc/resolv.conf') return this.#parts.world(container).files.read(args[0]);
    if (program === 'ss' || program === 'netstat') return this.#sockets();
    return undefined;
  }

  #sockets(): string {
    const rows = this.#parts.appListeners.map(
      ({ ip, port }) => `LISTEN  0       511     ${`${ip}:${port}`.padEnd(22)} 0.0.0.0:*`,
    );
    return ['State   Recv-Q  Send-Q  Local Address:Port     Peer Address:Port', ...rows, ''].join('\n');
  }
}

/** An init container that goes on beside the others. */
const isSidecar = ({ view }: ContainerRuntime): boolean => view.kind !== 'init';

function environmentText(env: Readonly<Record<string, string>>, name: string | undefined): string {
  if (name !== undefined) return `${env[name] ?? ''}\n`;
  return `${Object.entries(env)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}
