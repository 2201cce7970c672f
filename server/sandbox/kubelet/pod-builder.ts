import type { TokenIssuer } from '#ca';
import type { CertificateSigner, Proxy } from '#data-plane';
import { createProxy } from '#data-plane';
import type { Clock, HopRecord, Random, SocketAddress } from '#domain';
import type { KubeStore } from '#kube-api';
import { createFetch, findImage, imageName, images } from '#workloads';
import type { EventRecorder } from '../controllers/event-recorder.ts';
import type { ContainerState } from '../doors.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { INIT_CONTAINER, PROXY_CONTAINER } from '../mesh/injection.ts';
import { rootNamespace, xdsPort } from '../mesh/system.ts';
import type { AddressPlan } from '../network/addresses.ts';
import type { Network } from '../network/network.ts';
import { createAppProgram } from './app-program.ts';
import { ContainerRuntime } from './container-runtime.ts';
import { declaredPorts } from './declared-ports.ts';
import { containerEnvironment } from './environment.ts';
import { PodRuntime } from './pod-runtime.ts';
import type { Program } from './program.ts';
import { createProxyProgram } from './proxy-program.ts';

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
  /** Resolves when istiod listens, or when it is not worth waiting any longer. */
  readonly istiodReady: () => Promise<void>;
  readonly createIstiod: (ip: string, log: (line: string) => void) => Program;
  readonly onHop: (hop: HopRecord) => void;
  readonly onLog: (source: string, line: string) => void;
}

interface Build {
  readonly options: PodBuilderOptions;
  readonly pod: PodObject;
  readonly ip: string;
  readonly captured: boolean;
  readonly listeners: SocketAddress[];
  readonly onChange: () => void;
  proxy: Proxy | undefined;
}

/** Puts a pod together from its spec: a program for each container, and the pod's network around them. */
export function createPodBuilder(options: PodBuilderOptions) {
  return ({ pod, ip, onChange }: { pod: PodObject; ip: string; onChange: () => void }): PodRuntime => {
    const captured = pod.spec.initContainers?.some(({ name }) => name === INIT_CONTAINER) ?? false;
    const build: Build = { options, pod, ip, captured, onChange, listeners: [], proxy: undefined };
    const hostIp = options.plan.node;
    return new PodRuntime({
      pod,
      ip,
      hostIp,
      clock: options.clock,
      init: (pod.spec.initContainers ?? []).map((spec) => container(build, spec, 'init')),
      containers: pod.spec.containers.map((spec) => container(build, spec, isProxy(spec) ? 'proxy' : 'app')),
      appListeners: build.listeners,
      proxy: () => build.proxy,
      fetch: podFetch(build),
      env: (name) => {
        const spec = pod.spec.containers.find((candidate) => candidate.name === name);
        return spec === undefined
          ? {}
          : containerEnvironment({ store: options.store, pod, container: spec, podIp: ip, hostIp });
      },
    });
  };
}

const isProxy = (spec: ContainerSpec): boolean => spec.name === PROXY_CONTAINER && imageName(spec.image) === 'proxyv2';

const podFetch = ({ options, pod, ip, captured }: Build) =>
  createFetch(
    options.network.dialFrom({ podIp: ip, namespace: pod.metadata.namespace ?? '', captured }),
    options.clock,
  );

function container(build: Build, spec: ContainerSpec, kind: ContainerState['kind']): ContainerRuntime {
  const { options, pod, onChange } = build;
  return new ContainerRuntime({
    spec,
    kind,
    clock: options.clock,
    knownImages: images.map(({ name }) => name).join(', '),
    createProgram: (log) => createProgram(build, spec, log),
    onChange,
    onEvent: (reason, message, type) => options.events.record(pod, { reason, message, type }),
    onLog: (line) => options.onLog(`${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`, line),
  });
}

function createProgram(build: Build, spec: ContainerSpec, log: (line: string) => void): Program | undefined {
  const { options, pod, ip, captured, listeners } = build;
  const { store, plan, clock, random } = options;
  const name = imageName(spec.image);
  if (name === 'proxyv2')
    return spec.name === INIT_CONTAINER ? initProgram(build, log) : proxyProgram(build, spec, log);
  if (name === 'pilot' && pod.metadata.namespace === rootNamespace) return options.createIstiod(ip, log);
  const image = findImage(spec.image);
  if (image === undefined) return undefined;
  return createAppProgram({
    image,
    container: spec,
    pod: { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', labels: pod.metadata.labels ?? {} },
    env: containerEnvironment({ store, pod, container: spec, podIp: ip, hostIp: plan.node }),
    bindIp: captured ? plan.hiddenIp(ip) : ip,
    clock,
    random: random.stream(`${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`),
    fetch: podFetch(build),
    log,
    onListen: (listener) => {
      if (!listeners.some(({ port }) => port === listener.port)) listeners.push(listener);
    },
  });
}

/** Sets capture for the pod: here the dialler's table plays the part of the kernel's rules. */
const initProgram = ({ ip }: Build, log: (line: string) => void): Program => ({
  start: async () => {
    log(`outbound: every TCP connection of the pod goes to ${ip}:15001, except those of user 1337 (the proxy)`);
    log(`inbound: every TCP connection to ${ip} goes to port 15006, except 15020, 15021, 15090`);
  },
  stop: async () => undefined,
});

function proxyProgram(build: Build, spec: ContainerSpec, log: (line: string) => void): Program {
  const { options, pod, ip } = build;
  const role = spec.args?.includes('router') === true ? 'router' : 'sidecar';
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const namespace = pod.metadata.namespace ?? '';
  const name = pod.metadata.name;
  return createProxyProgram({
    before: options.istiodReady,
    create: () =>
      createProxy({
        role,
        pod: { name, namespace, ip, serviceAccount, labels: pod.metadata.labels ?? {}, ports: declaredPorts(pod) },
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
