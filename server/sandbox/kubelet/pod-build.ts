import type { ServingCertificate, TokenIssuer } from '#ca';
import { type CertificateSigner, capturesNames, type Proxy } from '#data-plane';
import {
  type AskNames,
  type Clock,
  type FleetingHops,
  type HopRecord,
  type LogText,
  NO_ANSWER,
  type Random,
  type SocketAddress,
} from '#domain';
import type { KubeStore } from '#kube-api';
import { createFetch, type Dial, imageName } from '#workloads';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import type { SandboxOptions } from '../doors.ts';
import { createContainerFiles } from '../exec/container-files.ts';
import type { PodWorld } from '../exec/pod-world.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { hasProxy, INIT_CONTAINER, PROXY_CONTAINER } from '../mesh/injection.ts';
import { capturedLate } from '../mesh/node-agent.ts';
import { environmentOf as environmentVariables, settingsOfPod } from '../mesh/proxy-config.ts';
import type { AddressPlan } from '../network/addresses.ts';
import { type CaptureRules, captureRules } from '../network/capture-rules.ts';
import type { Network } from '../network/network.ts';
import { lookUp } from '../network/stub-resolver.ts';
import type { Strains } from '../strains.ts';
import type { ContainerRuntime } from './container-runtime.ts';
import { declaredPorts } from './declared-ports.ts';
import { createEmptyDirs, type EmptyDirs, emptyDirMounts } from './empty-dirs.ts';
import { containerEnvironment } from './environment.ts';
import { withImageFiles } from './image-files.ts';
import { PodPorts } from './pod-ports.ts';
import type { Program } from './program.ts';
import { containerMounts } from './volumes.ts';

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
  readonly strains: Strains;
  readonly accountToken: AccountToken;
  /** PEM of the CA that the Kubernetes API's certificate comes from. */
  readonly clusterCa: () => string;
  /** Of the cluster's CA, with a new key. */
  readonly servingCertificate: (names: readonly string[]) => ServingCertificate;
  /** Resolves when istiod listens, or when it is not worth waiting any longer. */
  readonly istiodReady: () => Promise<void>;
  readonly createIstiod: (parts: {
    readonly ip: string;
    readonly podName: string;
    readonly env: Readonly<Record<string, string>>;
    readonly log: (line: string) => void;
  }) => Program;
  /** Absent: all proxies are our own. */
  readonly proxyFor?: SandboxOptions['proxyFor'];
  readonly onHop: (hop: HopRecord) => void;
  readonly fleetingHops: FleetingHops;
  readonly onLog: (source: string, line: LogText) => void;
  readonly onError: (what: string, error: unknown) => void;
}

/** A container's main program that is a shell with a terminal (`stdin: true`, `tty: true`). */
export interface Console {
  /** Whoever was attached has left; the program ends. */
  end(exitCode: number): void;
}

/** A pod while it is put together, and what its parts share afterwards. */
export interface PodBuild {
  readonly options: PodBuilderOptions;
  readonly pod: PodObject;
  readonly ip: string;
  readonly captured: boolean;
  /** Capture leads DNS questions, too. */
  readonly capturesNames: boolean;
  readonly rules: CaptureRules;
  readonly listeners: SocketAddress[];
  readonly dial: Dial;
  /** For the proxy's own user, whose connections capture leaves alone. */
  readonly dialUncaptured: Dial;
  readonly onChange: () => void;
  readonly ports: PodPorts;
  /** What its containers share. */
  readonly emptyDirs: EmptyDirs;
  /** The files of each container's present run, by its name. */
  readonly files: Map<string, ReturnType<typeof createContainerFiles>>;
  /** The environment of each container's present run, by its name. */
  readonly environments: Map<string, Record<string, string>>;
  readonly runtimes: Map<string, ContainerRuntime>;
  /** Shells that wait for somebody to attach, by container. */
  readonly consoles: Map<string, Console>;
  proxy: Proxy | undefined;
}

/** istio-init has the variable from the proxy's settings, as the agent has. */
function leadsNames({ store }: PodBuilderOptions, pod: PodObject): boolean {
  const env = environmentVariables(settingsOfPod(store, pod));
  return capturesNames(Object.fromEntries(env.map(({ name, value }) => [name, value])));
}

interface Prepared {
  readonly pod: PodObject;
  readonly ip: string;
  readonly onChange: () => void;
  /** It uses more than it may. */
  readonly onExceeded: (message: string) => void;
}

/** The pod's network and everything else that is there before any container. */
export function prepare(options: PodBuilderOptions, { pod, ip, onChange, onExceeded }: Prepared): PodBuild {
  const { plan, network, onError } = options;
  const late = capturedLate(pod) && hasProxy(pod);
  const captured = late || (pod.spec.initContainers?.some(({ name }) => name === INIT_CONTAINER) ?? false);
  const rules = captureRules(pod.metadata.annotations);
  const namespace = pod.metadata.namespace ?? '';
  const build: PodBuild = {
    options,
    pod,
    ip,
    captured,
    capturesNames: captured && leadsNames(options, pod),
    rules,
    onChange,
    listeners: [],
    dial: network.dialFrom({
      podIp: ip,
      namespace,
      captured,
      outbound: (destination) => build.ports.captures && rules.outbound(destination),
      names: () => namesOf(build),
      bound: (port) => boundTo(build, port),
    }),
    dialUncaptured: network.dialFrom({
      podIp: ip,
      namespace,
      captured,
      outbound: () => false,
      bound: (port) => boundTo(build, port),
    }),
    ports: new PodPorts({
      ip,
      hiddenIp: plan.hiddenIp(ip),
      rules,
      declared: declaredPorts(pod),
      proxy: () => build.proxy,
      late,
      onError: (what, error) => onError(`pod ${namespace}/${pod.metadata.name}: ${what}`, error),
    }),
    emptyDirs: createEmptyDirs(pod, { clock: options.clock, onExceeded }),
    files: new Map(),
    environments: new Map(),
    runtimes: new Map(),
    consoles: new Map(),
    proxy: undefined,
  };
  return build;
}

/**
 * Capture takes what other pods send to ports where nothing listens, too. Not for a real Envoy, which learns where a connection wanted to go
 * from the kernel alone. The answer ends it.
 */
export function leadClosedPorts({ options, pod, ip, captured, ports }: PodBuild): () => void {
  if (!captured || options.proxyFor?.(pod) !== undefined) return () => undefined;
  return options.network.captureInbound(ip, (port) => ports.leadsClosed(port));
}

/**
 * Who answers the pod's DNS questions where capture leads them to the agent; while there is none, nobody answers at all. Undefined where
 * they go to the cluster's name server.
 */
function namesOf(build: PodBuild): AskNames | undefined {
  if (!build.capturesNames || !build.ports.captures) return undefined;
  return build.proxy === undefined ? () => NO_ANSWER : build.proxy.ask;
}

/** The address of the pod at which a port is open: 0.0.0.0 for all of them; undefined: nothing listens there. */
export const boundTo = ({ listeners }: PodBuild, port: number): string | undefined =>
  listeners.find((each) => each.port === port)?.ip;

/** All addresses of a host for the programs of the pod; none when there is no such name. */
export function addressesFor(build: PodBuild, host: string): readonly string[] {
  const { options, pod } = build;
  const namespace = pod.metadata.namespace ?? 'default';
  const names = namesOf(build);
  return names === undefined ? options.network.addresses(host, namespace) : lookUp(names, host, namespace).addresses;
}

/** The spec of a container by its name. */
export const specOf = ({ spec }: PodObject, name: string): ContainerSpec =>
  [...spec.containers, ...(spec.initContainers ?? [])].find((each) => each.name === name) ?? { name, image: '' };

/** What a program in the container finds around it. */
export function worldOf(build: PodBuild, spec: ContainerSpec): PodWorld {
  const { options, pod, ip, listeners } = build;
  const namespace = pod.metadata.namespace ?? '';
  const isProxy = spec.name === PROXY_CONTAINER;
  const dial = isProxy ? build.dialUncaptured : build.dial;
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
    ask: (name, type) => ((isProxy ? undefined : namesOf(build)) ?? options.network.ask)(name, type),
    listeners: () => listeners,
    proxy: () => (isProxy ? build.proxy : undefined),
    imageExec: (command) => build.runtimes.get(spec.name)?.program?.exec?.(command),
  };
}

/** The environment of the container's present run, as it was when that began; throws ContainerConfigError. */
export function environmentOf(
  { options, pod, ip, environments }: PodBuild,
  spec: ContainerSpec,
): Record<string, string> {
  const known = environments.get(spec.name);
  if (known !== undefined) return known;
  const { store, plan } = options;
  const env = containerEnvironment({ store, pod, container: spec, podIp: ip, hostIp: plan.node });
  environments.set(spec.name, env);
  return env;
}

/** The files of the container's present run. */
export function filesOf(build: PodBuild, spec: ContainerSpec): ReturnType<typeof createContainerFiles> {
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
  const image = imageName(spec.image);
  const issue = (): ServingCertificate => options.servingCertificate([pod.metadata.name, ip]);
  const shared = emptyDirMounts(build.emptyDirs, spec);
  const files = createContainerFiles(withImageFiles(mounts, { image, issue }), shared);
  build.files.set(spec.name, files);
  return files;
}
