import type { TokenIssuer } from '#ca';
import type { CertificateSigner, Proxy } from '#data-plane';
import { createProxy } from '#data-plane';
import type { Clock, HopRecord, Random, SocketAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import { createFetch, type Dial, findImage, imageName, images } from '#workloads';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import type { ContainerState } from '../doors.ts';
import { createContainerFiles } from '../exec/container-files.ts';
import type { PodWorld } from '../exec/pod-world.ts';
import { isBareShell, noInput, runCommand } from '../exec/run-command.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { holdsApplication, INIT_CONTAINER, PROXY_CONTAINER } from '../mesh/injection.ts';
import { originalProbe, rewritesProbes } from '../mesh/probe-rewrite.ts';
import { rootNamespace, xdsPort } from '../mesh/system.ts';
import type { AddressPlan } from '../network/addresses.ts';
import { type CaptureRules, captureRules } from '../network/capture-rules.ts';
import type { Network } from '../network/network.ts';
import { createAppProgram } from './app-program.ts';
import { ContainerRuntime } from './container-runtime.ts';
import { containerEnvironment } from './environment.ts';
import { PodPorts } from './pod-ports.ts';
import { PodRuntime } from './pod-runtime.ts';
import { probeOnce } from './probe-actions.ts';
import type { Program } from './program.ts';
import { createProxyProgram } from './proxy-program.ts';
import { containerMounts, missingVolume } from './volumes.ts';

const PROXY_OWN_PORTS = new Set([15001, 15006, 15008, 15020, 15021, 15090]);

/** What a service account's token proves to the Kubernetes API, or to an audience. */
export type AccountToken = (
  account: { readonly namespace: string; readonly name: string },
  audience: string | undefined,
) => string;

export interface PodBuilderOptions {
  readonly store: KubeStore;
  readonly plan: AddressPlan;
  readonly network: Network;
  readonly clock: Clock;
  readonly random: Random;
  readonly tokens: TokenIssuer;
  readonly signer: CertificateSigner;
  readonly events: EventRecorder;
  /** The mesh's, at the moment a proxy starts. */
  readonly trustDomain: () => string;
  readonly istiodIp: string;
  readonly accountToken: AccountToken;
  /** PEM of the CA that the Kubernetes API's certificate comes from. */
  readonly clusterCa: () => string;
  /** Resolves when istiod listens, or when it is not worth waiting any longer. */
  readonly istiodReady: () => Promise<void>;
  readonly createIstiod: (parts: {
    readonly ip: string;
    readonly podName: string;
    readonly log: (line: string) => void;
  }) => Program;
  readonly onHop: (hop: HopRecord) => void;
  readonly onLog: (source: string, line: string) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** A container's main program that is a shell with a terminal (`stdin: true`, `tty: true`). */
export interface Console {
  /** Whoever was attached has left; the program ends. */
  end(exitCode: number): void;
}

interface Build {
  readonly options: PodBuilderOptions;
  readonly pod: PodObject;
  readonly ip: string;
  readonly captured: boolean;
  readonly rules: CaptureRules;
  readonly listeners: SocketAddress[];
  readonly dial: Dial;
  readonly onChange: () => void;
  readonly ports: PodPorts;
  /** The files of each container's present run, by its name. */
  readonly files: Map<string, ReturnType<typeof createContainerFiles>>;
  readonly runtimes: Map<string, ContainerRuntime>;
  /** Shells that wait for somebody to attach, by container. */
  readonly consoles: Map<string, Console>;
  proxy: Proxy | undefined;
}

/** Puts a pod together from its spec: a program for each container, and the pod's network around them. */
export function createPodBuilder(options: PodBuilderOptions) {
  return ({ pod, ip, onChange }: { pod: PodObject; ip: string; onChange: () => void }): PodRuntime => {
    const build = prepare(options, { pod, ip, onChange });
    const add = (spec: ContainerSpec, kind: ContainerState['kind']): ContainerRuntime => {
      const runtime = container(build, spec, kind);
      build.runtimes.set(spec.name, runtime);
      return runtime;
    };
    return new PodRuntime({
      pod,
      ip,
      hostIp: options.plan.node,
      clock: options.clock,
      init: (pod.spec.initContainers ?? []).map((spec) => add(spec, 'init')),
      containers: pod.spec.containers.map((spec) => add(spec, isProxy(spec) ? 'proxy' : 'app')),
      appListeners: build.listeners,
      holdsApplication: holdsApplication(pod),
      proxy: () => build.proxy,
      fetch: createFetch(build.dial, options.clock),
      dial: build.dial,
      world: (name) => worldOf(build, specOf(pod, name)),
      obstacle: () => missingVolume({ store: options.store, pod }),
      onObstacle: (message) => options.events.record(pod, { reason: 'FailedMount', message, type: 'Warning' }),
      console: (name) => build.consoles.get(name),
      onStop: () => build.ports.close(),
    });
  };
}

function prepare(
  options: PodBuilderOptions,
  { pod, ip, onChange }: { readonly pod: PodObject; readonly ip: string; readonly onChange: () => void },
): Build {
  const { plan, network, onError } = options;
  const captured = pod.spec.initContainers?.some(({ name }) => name === INIT_CONTAINER) ?? false;
  const rules = captureRules(pod.metadata.annotations);
  const namespace = pod.metadata.namespace ?? '';
  const build: Build = {
    options,
    pod,
    ip,
    captured,
    rules,
    onChange,
    listeners: [],
    dial: network.dialFrom({ podIp: ip, namespace, captured, outbound: rules.outbound }),
    ports: new PodPorts({
      ip,
      hiddenIp: plan.hiddenIp(ip),
      rules,
      declared: declaredPorts(pod),
      proxy: () => build.proxy,
      onError: (what, error) => onError(`pod ${namespace}/${pod.metadata.name}: ${what}`, error),
    }),
    files: new Map(),
    runtimes: new Map(),
    consoles: new Map(),
    proxy: undefined,
  };
  return build;
}

const specOf = ({ spec }: PodObject, name: string): ContainerSpec =>
  [...spec.containers, ...(spec.initContainers ?? [])].find((each) => each.name === name) ?? { name, image: '' };

const isProxy = (spec: ContainerSpec): boolean => spec.name === PROXY_CONTAINER && imageName(spec.image) === 'proxyv2';

function container(build: Build, spec: ContainerSpec, kind: ContainerState['kind']): ContainerRuntime {
  const { options, pod, onChange } = build;
  return new ContainerRuntime({
    spec,
    kind,
    clock: options.clock,
    restartPolicy: pod.spec.restartPolicy ?? 'Always',
    knownImages: images.map(({ name }) => name).join(', '),
    createProgram: (log) => createProgram(build, spec, log),
    probe: (probe, signal) => probeOnce(spec, probeReach(build, spec))(originalProbe(pod, probe), signal),
    onChange,
    onEvent: (reason, message, type) => options.events.record(pod, { reason, message, type }),
    onLog: (line) => options.onLog(`${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`, line),
  });
}

/** The agent answers rewritten probes from inside the pod; others come from the node, through the sidecar. */
function probeReach(build: Build, spec: ContainerSpec) {
  const { options, ip, captured, pod } = build;
  const inside = captured && rewritesProbes(pod);
  const dial: Dial = inside ? (_host, port) => build.dial('localhost', port) : options.network.dialFromOutside;
  return {
    podIp: ip,
    dial,
    fetch: createFetch(dial, options.clock),
    run: async (command: readonly string[], signal: AbortSignal) => {
      let output = '';
      const keep = (text: string): void => {
        output += text;
      };
      const exitCode = await runCommand(command, { ...noInput, out: keep, err: keep, signal }, worldOf(build, spec));
      return { exitCode, output };
    },
  };
}

function worldOf(build: Build, spec: ContainerSpec): PodWorld {
  const { options, pod, ip, listeners, dial } = build;
  const namespace = pod.metadata.namespace ?? '';
  const files = filesOf(build, spec);
  return {
    clock: options.clock,
    files,
    pod: { name: pod.metadata.name, namespace, ip, serviceAccount: pod.spec.serviceAccountName ?? 'default' },
    container: spec.name,
    image: imageName(spec.image),
    env: environmentOf(build, spec),
    dial,
    fetch: createFetch(dial, options.clock),
    resolve: (name) => options.network.resolve(name, namespace),
    listeners: () => listeners,
    proxy: () => (spec.name === PROXY_CONTAINER ? build.proxy : undefined),
    imageExec: (command) => build.runtimes.get(spec.name)?.program?.exec?.(command),
  };
}

const environmentOf = ({ options, pod, ip }: Build, spec: ContainerSpec): Record<string, string> =>
  containerEnvironment({ store: options.store, pod, container: spec, podIp: ip, hostIp: options.plan.node });

function filesOf(build: Build, spec: ContainerSpec): ReturnType<typeof createContainerFiles> {
  const known = build.files.get(spec.name);
  if (known !== undefined) return known;
  const { options, pod, ip } = build;
  const account = { namespace: pod.metadata.namespace ?? '', name: pod.spec.serviceAccountName ?? 'default' };
  const mounts = containerMounts(
    {
      store: options.store,
      pod,
      podIp: ip,
      hostIp: options.plan.node,
      token: (audience) => options.accountToken(account, audience),
      clusterCa: options.clusterCa(),
    },
    spec,
  );
  const files = createContainerFiles(mounts);
  build.files.set(spec.name, files);
  return files;
}

function createProgram(build: Build, spec: ContainerSpec, log: (line: string) => void): Program | undefined {
  const { options, pod, ip, captured, listeners, ports } = build;
  const { plan, clock, random } = options;
  const name = imageName(spec.image);
  if (name === 'proxyv2')
    return spec.name === INIT_CONTAINER ? initProgram(build, log) : proxyProgram(build, spec, log);
  if (name === 'pilot' && pod.metadata.namespace === rootNamespace)
    return options.createIstiod({ ip, podName: pod.metadata.name, log });
  const image = findImage(spec.image);
  if (image === undefined) return undefined;
  const env = environmentOf(build, spec);
  // A container that starts again finds its image's files, not what the last run wrote.
  build.files.delete(spec.name);
  return createAppProgram({
    image,
    container: spec,
    pod: { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', labels: pod.metadata.labels ?? {} },
    env,
    bindIp: captured ? plan.hiddenIp(ip) : ip,
    clock,
    random: random.stream(`${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`),
    fetch: createFetch(build.dial, clock),
    readFile: (path) => filesOf(build, spec).bytes(path),
    run: (command, signal) => mainProgram(build, spec, { command, signal, log }),
    log,
    onListen: (listener) => {
      if (!listeners.some(({ port }) => port === listener.port)) listeners.push(listener);
      if (captured) ports.open(listener.port);
    },
  });
}

/** What the container itself runs by the interpreter; its output is the log. */
function mainProgram(
  build: Build,
  spec: ContainerSpec,
  {
    command,
    signal,
    log,
  }: { readonly command: readonly string[]; readonly signal: AbortSignal; readonly log: (line: string) => void },
): Promise<number> {
  if (spec['stdin'] === true && isBareShell(command)) {
    return new Promise((resolve) => {
      build.consoles.set(spec.name, { end: resolve });
      signal.addEventListener('abort', () => resolve(137), { once: true });
    });
  }
  const lines = lineWriter(log);
  const { write } = lines;
  return runCommand(command, { ...noInput, out: write, err: write, signal }, worldOf(build, spec)).finally(() =>
    lines.end(),
  );
}

/** Pieces of output become lines of a log; what has no line end yet waits for it. */
function lineWriter(log: (line: string) => void): { write(text: string): void; end(): void } {
  let rest = '';
  return {
    write: (text) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) log(line);
    },
    end: () => {
      if (rest !== '') log(rest);
    },
  };
}

/** Sets capture for the pod: here the dialler's table plays the part of the kernel's rules. */
const initProgram = ({ ip, rules }: Build, log: (line: string) => void): Program => ({
  start: async () => {
    log(`istio-iptables ${rules.args.slice(1).join(' ')}`);
    log(`outbound: every TCP connection of the pod goes to ${ip}:15001, except those of user 1337 (the proxy)`);
    log(`inbound: every TCP connection to ${ip} goes to port 15006, except 15020, 15021, 15090`);
    return undefined;
  },
  stop: async () => undefined,
});

function proxyProgram(build: Build, spec: ContainerSpec, log: (line: string) => void): Program {
  const { options, pod, ip, rules } = build;
  const role = spec.args?.includes('router') === true ? 'router' : 'sidecar';
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const namespace = pod.metadata.namespace ?? '';
  const name = pod.metadata.name;
  const ports = declaredPorts(pod).filter((port) => rules.inbound(port));
  return createProxyProgram({
    before: options.istiodReady,
    create: () =>
      createProxy({
        role,
        pod: { name, namespace, ip, serviceAccount, labels: pod.metadata.labels ?? {}, ports },
        trustDomain: options.trustDomain(),
        xdsAddress: `${options.istiodIp}:${xdsPort}`,
        signer: options.signer,
        token: options.tokens.mint({ namespace, serviceAccount, pod: name }),
        network: options.network.forProxy(ip),
        clock: options.clock,
        random: options.random.stream(`${namespace}/${name}/${spec.name}`),
        onHop: options.onHop,
        onLog: log,
      }),
    onProxy: (proxy) => {
      build.proxy = proxy;
    },
  });
}

const declaredPorts = (pod: PodObject): number[] =>
  pod.spec.containers
    .flatMap(({ ports = [] }) => ports)
    .filter(({ containerPort, protocol }) => protocol !== 'UDP' && !PROXY_OWN_PORTS.has(containerPort))
    .map(({ containerPort }) => containerPort);
