import { createFetch, type Dial, imageName, images } from '#workloads';
import type { ContainerState } from '../doors.ts';
import { noInput, runCommand } from '../exec/run-command.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { PROXY_CONTAINER } from '../mesh/injection.ts';
import { originalProbe, rewritesProbes } from '../mesh/probe-rewrite.ts';
import { createProgram } from './container-programs.ts';
import { ContainerRuntime } from './container-runtime.ts';
import { leadClosedPorts, type PodBuild, type PodBuilderOptions, prepare, specOf, worldOf } from './pod-build.ts';
import { PodRuntime } from './pod-runtime.ts';
import { preStopOnce, probeOnce } from './probe-actions.ts';
import { missingVolume } from './volumes.ts';

/** Puts a pod together from its spec: a program for each container, and the pod's network around them. */
export function createPodBuilder(options: PodBuilderOptions) {
  return ({ pod, ip, onChange }: { pod: PodObject; ip: string; onChange: () => void }): PodRuntime => {
    const build = prepare(options, { pod, ip, onChange, onExceeded: (message) => runtime.evict(message) });
    const release = leadClosedPorts(build);
    /** Of containers that came later. */
    const later = new Map<string, ContainerSpec>();
    const add = (spec: ContainerSpec, kind: ContainerState['kind']): ContainerRuntime => {
      const runtime = container(build, spec, kind);
      build.runtimes.set(spec.name, runtime);
      return runtime;
    };
    const runtime = new PodRuntime({
      pod,
      ip,
      hostIp: options.plan.node,
      clock: options.clock,
      init: (pod.spec.initContainers ?? []).map((spec) => add(spec, staysBeside(spec) ? kindOf(spec) : 'init')),
      containers: pod.spec.containers.map((spec) => add(spec, kindOf(spec))),
      ephemeral: (spec) => {
        later.set(spec.name, spec);
        // It is never started again.
        return add({ ...spec, restartPolicy: 'Never' }, 'app');
      },
      appListeners: build.listeners,
      holdsApplication: pod.spec.containers.some(waitsForProxy),
      proxy: () => build.proxy,
      fetch: createFetch(build.dial, options.clock),
      dial: build.dial,
      world: (name) => worldOf(build, later.get(name) ?? specOf(pod, name)),
      obstacle: () => missingVolume({ store: options.store, pod }),
      onObstacle: (message) => options.events.record(pod, { reason: 'FailedMount', message, type: 'Warning' }),
      console: (name) => build.consoles.get(name),
      onEvicted: (message) => options.events.record(pod, { reason: 'Evicted', message, type: 'Warning' }),
      onStop: () => {
        release();
        build.emptyDirs.stop();
        return build.ports.close();
      },
    });
    return runtime;
  };
}

const isProxy = (spec: ContainerSpec): boolean => spec.name === PROXY_CONTAINER && imageName(spec.image) === 'proxyv2';

const kindOf = (spec: ContainerSpec): 'proxy' | 'app' => (isProxy(spec) ? 'proxy' : 'app');

/** A sidecar container of Kubernetes: an init container that the next does not wait for to end. */
const staysBeside = (spec: ContainerSpec): boolean => spec['restartPolicy'] === 'Always';

/** Istio's way to make the containers behind it wait: the kubelet starts them when this hook has ended. */
const waitsForProxy = (spec: ContainerSpec): boolean =>
  isProxy(spec) &&
  (spec as { readonly lifecycle?: { readonly postStart?: object } }).lifecycle?.postStart !== undefined;

function container(build: PodBuild, spec: ContainerSpec, kind: ContainerState['kind']): ContainerRuntime {
  const { options, pod, onChange } = build;
  const source = `${pod.metadata.namespace}/${pod.metadata.name}/${spec.name}`;
  const { name = '', namespace = '', uid = '' } = pod.metadata;
  return new ContainerRuntime({
    spec,
    pod: `${name}_${namespace}(${uid})`,
    kind,
    clock: options.clock,
    restartPolicy:
      spec['restartPolicy'] === 'Never' ? 'Never' : staysBeside(spec) ? 'Always' : (pod.spec.restartPolicy ?? 'Always'),
    knownImages: images.map(({ name }) => name).join(', '),
    createProgram: (log) => createProgram(build, spec, log),
    probe: (probe, signal) => probeOnce(spec, probeReach(build, spec))(originalProbe(pod, probe), signal),
    preStop: (hook, signal) =>
      preStopOnce(spec, { reach: probeReach(build, spec), clock: options.clock })(hook, signal),
    onChange,
    onEvent: (reason, message, type) => options.events.record(pod, { reason, message, type }),
    onLog: (line) => options.onLog(source, line),
  });
}

/** The agent answers rewritten probes from inside the pod; others come from the node, through the sidecar. */
function probeReach(build: PodBuild, spec: ContainerSpec) {
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
