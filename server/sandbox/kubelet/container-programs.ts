import { createProxy } from '#data-plane';
import type { LogText } from '#domain';
import { istioVersion } from '#istio';
import { createFetch, findImage, imageName } from '#workloads';
import { isBareShell, noInput, runCommand } from '../exec/run-command.ts';
import type { ContainerSpec } from '../kube-types.ts';
import { INIT_CONTAINER } from '../mesh/injection.ts';
import { proxyStartMs } from '../mesh/node-agent.ts';
import { rootNamespace, xdsPort } from '../mesh/system.ts';
import { createAppProgram } from './app-program.ts';
import { bootstrapSettings } from './bootstrap-settings.ts';
import { declaredPorts } from './declared-ports.ts';
import { withExpandedCommand } from './environment.ts';
import { addressesFor, boundTo, environmentOf, filesOf, type PodBuild, worldOf } from './pod-build.ts';
import { podsFound } from './pods-found.ts';
import type { Program } from './program.ts';
import { appMetrics, certificateSettings, terminationDrainMs } from './proxy-environment.ts';
import { createProxyProgram } from './proxy-program.ts';

/** Where a sidecar finds the lists of its mesh's CA. Source: CACRLFilePath in istio/pkg/security. */
const REVOKED_FILE = '/var/run/secrets/istio/crl/ca-crl.pem';

/** The program of a container: istiod, a proxy, its init step or an image; undefined when there is no such image. */
export function createProgram(build: PodBuild, spec: ContainerSpec, log: (line: LogText) => void): Program | undefined {
  const { options, pod, ip, captured, listeners, ports } = build;
  const { plan, clock, random } = options;
  const name = imageName(spec.image);
  build.environments.delete(spec.name);
  if (name === 'proxyv2')
    return spec.name === INIT_CONTAINER ? initProgram(build, log) : proxyProgram(build, spec, log);
  if (name === 'pilot' && pod.metadata.namespace === rootNamespace)
    return options.createIstiod({ ip, podName: pod.metadata.name, env: environmentOf(build, spec), log });
  const image = findImage(spec.image);
  if (image === undefined) return undefined;
  const env = environmentOf(build, spec);
  // A container that starts again finds its image's files, not what the last run wrote.
  build.files.delete(spec.name);
  return createAppProgram({
    image,
    container: withExpandedCommand(spec, env),
    pod: { name: pod.metadata.name, namespace: pod.metadata.namespace ?? '', labels: pod.metadata.labels ?? {} },
    env,
    bindIp: captured ? plan.hiddenIp(ip) : ip,
    podIp: ip,
    loopbackIp: plan.hiddenIp(ip),
    clock,
    random: random.stream(`${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`),
    fetch: createFetch(build.dial, clock),
    dial: build.dial,
    addresses: (host) => addressesFor(build, host),
    pods: () => podsFound(options.store),
    readFile: (path) => filesOf(build, spec).bytes(path),
    listFiles: (folder) => filesOf(build, spec).list(folder),
    run: (command, signal) => mainProgram(build, spec, { command, signal, log }),
    strain: () => options.strains.of(pod.metadata),
    log,
    onListen: (listener) => {
      if (!listeners.some(({ port }) => port === listener.port)) listeners.push(listener);
      if (captured) ports.open(listener);
    },
  });
}

/** What the container itself runs by the interpreter; its output is the log. */
function mainProgram(
  build: PodBuild,
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
const initProgram = ({ ip, rules }: PodBuild, log: (line: string) => void): Program => ({
  start: async () => {
    log(`istio-iptables ${rules.args.slice(1).join(' ')}`);
    log(`outbound: every TCP connection of the pod goes to ${ip}:15001, except those of user 1337 (the proxy)`);
    log(`inbound: every TCP connection to ${ip} goes to port 15006, except 15020, 15021, 15090`);
    return undefined;
  },
  stop: async () => undefined,
});

function proxyProgram(build: PodBuild, spec: ContainerSpec, log: (line: LogText) => void): Program {
  const { options, pod, ip, rules } = build;
  const role = spec.args?.includes('router') === true ? 'router' : 'sidecar';
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const namespace = pod.metadata.namespace ?? '';
  const name = pod.metadata.name;
  const ports = declaredPorts(pod).filter((port) => rules.inbound(port));
  return createProxyProgram({
    before: async () => {
      await options.istiodReady();
      const waitMs = proxyStartMs(pod);
      if (waitMs > 0) {
        log(`starts in ${waitMs / 1000} s: this node is slow`);
        await new Promise<void>((resolve) => options.clock.after(waitMs, resolve));
      }
      await build.ports.handOver();
    },
    create: (ends) => {
      const environment = environmentOf(build, spec);
      const make = options.proxyFor?.(pod) ?? createProxy;
      return make({
        role,
        pod: { name, namespace, ip, serviceAccount, labels: pod.metadata.labels ?? {}, ports },
        environment,
        release: istioVersion,
        trustDomain: options.trustDomain(),
        xdsAddress: `${options.istiodIp}:${xdsPort}`,
        signer: options.signer,
        token: () => options.tokens.mint({ namespace, serviceAccount, pod: name }),
        certificates: certificateSettings(options.store, pod, environment),
        revoked: () => filesOf(build, spec).read(REVOKED_FILE) ?? '',
        readFile: (path) => filesOf(build, spec).read(path),
        appMetrics: appMetrics(environment),
        bootstrap: bootstrapSettings(options.store, pod, environment),
        ...ends,
        onInboundPorts: (inbound) => build.ports.lead(inbound),
        network: {
          ...options.network.forProxy(ip, (port) => boundTo(build, port)),
          ...(build.captured && { loopback: options.plan.hiddenIp(ip) }),
        },
        clock: options.clock,
        random: options.random.stream(`${namespace}/${name}/${spec.name}`),
        onHop: options.onHop,
        fleetingHops: options.fleetingHops,
        onLog: log,
        onEntry: log,
      });
    },
    onProxy: (proxy) => {
      build.proxy = proxy;
    },
    drainMs: () => terminationDrainMs(options.store, pod, environmentOf(build, spec)),
    onDrain: () => log(`${new Date(options.clock.now()).toISOString()}\tinfo\tAgent draining Proxy for termination`),
  });
}
