import { once } from 'node:events';
import { connect } from 'node:net';
import { type HopRecord, hashLabel, NO_FLEETING_HOPS, NO_SUCH_NAME, seededRandom } from '#domain';
import { istioKinds, parseManifests, validateDocument } from '#istio';
import { coreKinds, createKindRegistry, createKubeStore } from '#kube-api';
import type { AppliedObject, ApplyOutcome, ContainerState, ManifestFile, RunningPod, Sandbox } from '#sandbox';
import type { HopStore } from '#telemetry';
import type { FetchInit, FetchResponse } from '#workloads';
import { createContainerFiles } from '../../server/sandbox/exec/container-files.ts';
import type { PodWorld } from '../../server/sandbox/exec/pod-world.ts';
import { runCommand } from '../../server/sandbox/exec/run-command.ts';
import { serveStore } from './kube-cluster/serve-store.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** A sandbox without processes: a real store, pods that answer as the test says. */
export interface FakeSandbox extends Sandbox {
  readonly clock: ManualClock;
  readonly pods: RunningPod[];
  /** Requests sent from outside and from pods, oldest first. */
  readonly requests: { readonly from: string; readonly url: string; readonly init: FetchInit }[];
  /** Answers every request; the default is 200 `ok`. */
  answer: (url: string, init: FetchInit, from: string) => FetchResponse | Promise<FetchResponse>;
  ingress: Sandbox['ingress'];
  controlPlane: Sandbox['controlPlane'];
  /** Makes a pod, in the store and running. */
  addPod(pod: PodOptions): FakePod;
  addHop(hop: HopRecord): void;
  /** Evaluates what `until` waits for, as a sandbox event does. */
  poke(): void;
}

export interface PodOptions {
  readonly name: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly containers?: readonly Partial<ContainerState>[];
  readonly proxy?: RunningPod['proxy'];
  readonly logs?: Readonly<Record<string, readonly string[]>>;
}

export interface FakePod extends RunningPod {
  /** Adds a line to a container's log, as the program would. */
  log(container: string, line: string): void;
}

export const reply = (status: number, body = '', headers: Readonly<Record<string, string>> = {}): FetchResponse => ({
  status,
  headers,
  body: Buffer.from(body),
});

const kinds = createKindRegistry([...coreKinds, ...istioKinds]);

export function createFakeSandbox(): FakeSandbox {
  const clock = manualClock();
  const store = createKubeStore({ kinds, clock });
  const pods: RunningPod[] = [];
  const requests: FakeSandbox['requests'] = [];
  const waiting = new Set<() => void>();
  const hops = fakeHops();
  let served: ReturnType<typeof serveStore> | undefined;
  let changes = 0;
  const changeId = (): string => `change-${++changes}`;
  const poke = (): void => {
    for (const check of [...waiting]) check();
  };
  store.watch('*', poke);

  const send = async (from: string, url: string, init: FetchInit = {}): Promise<FetchResponse> => {
    requests.push({ from, url, init });
    return sandbox.answer(url, init, from);
  };

  const sandbox: FakeSandbox = {
    store,
    clock,
    random: seededRandom('fake'),
    hops,
    pods,
    requests,
    keyHosts: [],
    controlPlane: undefined,
    gateways: {},
    ingress: { ip: '127.0.0.9', port: 80 },
    answer: () => reply(200, 'ok'),
    start: async () => undefined,
    stop: async () => (await served)?.stop(),
    strain: () => undefined,
    strains: new Map(),
    settled: async () => undefined,
    answered: async () => true,
    ready: async () => undefined,
    serveApi: () => {
      served ??= serveStore(store, clock);
      return served.then(({ api }) => api);
    },
    locate: () => undefined,
    placeIn: () => undefined,
    apply: async (files, { namespace }) => applyTo(store, files, { namespace, changeId: changeId() }),
    validate: (files, { namespace }) => read(files, namespace).diagnostics,
    remove: (kind, name) => {
      const id = changeId();
      store.delete(kind, name, { changeId: id });
      return id;
    },
    fetchFromOutside: (url, init) => send('outside', url, init),
    dialFromOutside: async (host, port) => {
      const socket = connect(port, host);
      await once(socket, 'connect');
      return socket;
    },
    pod: ({ namespace, name }) => pods.find((pod) => pod.namespace === namespace && pod.name === name),
    until: (met, timeoutMs, what) =>
      new Promise((resolve, reject) => {
        const timer = clock.after(timeoutMs, () => end(() => reject(new Error(`timed out waiting for ${what}`))));
        const check = (): void => {
          if (met()) end(resolve);
        };
        const end = (then: () => void): void => {
          timer.cancel();
          waiting.delete(check);
          then();
        };
        waiting.add(check);
        check();
      }),
    poke,
    addHop: (hop) => {
      hops.record(hop);
      poke();
    },
    addPod: (options) => {
      const pod = fakePod(options, send, clock);
      if (!store.get('Namespace', { namespace: '', name: pod.namespace }))
        store.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: pod.namespace } }, { changeId: 'test' });
      store.create(
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: {
            name: pod.name,
            namespace: pod.namespace,
            labels: { ...pod.labels },
            annotations: { ...options.annotations },
          },
          spec: {
            containers: pod.containers
              .filter(({ kind }) => kind !== 'init')
              .map(({ name, image }) => ({ name, image })),
          },
        },
        { changeId: 'test' },
      );
      pods.push(pod);
      return pod;
    },
  };
  return sandbox;
}

function fakePod(
  { name, namespace = 'default', labels = {}, containers = [{}], proxy, logs = {} }: PodOptions,
  send: (from: string, url: string, init?: FetchInit) => Promise<FetchResponse>,
  clock: ManualClock,
): FakePod {
  const lines = new Map(Object.entries(logs).map(([container, all]) => [container, [...all]]));
  const followers = new Set<{ readonly container: string; readonly onLine: (line: string) => void }>();
  const files = createContainerFiles({ read: () => undefined, list: () => [] });
  const pod: FakePod = {
    name,
    namespace,
    ip: `127.0.1.${(hashLabel(name) % 250) + 1}`,
    labels,
    proxy,
    appListeners: [{ ip: '0.0.0.0', port: 8080 }],
    containers: containers.map((container) => ({
      name: 'app',
      image: 'example/app:1',
      ready: true,
      restarts: 0,
      kind: 'app',
      state: 'Running',
      ...container,
    })),
    logs: (container) => lines.get(container) ?? [],
    followLogs: (container, onLine) => {
      const follower = { container, onLine };
      followers.add(follower);
      return () => void followers.delete(follower);
    },
    fetch: (url, init) => send(name, url, init),
    run: (container, command, io) => runCommand(command, io, { ...fakeWorld(pod, container, clock), files }),
    exec: (_container, [program, ...args]) =>
      program === 'print' ? { stdout: `${args.join(' ')}\n`, exitCode: args[0] === 'fail' ? 3 : 0 } : undefined,
    log: (container, line) => {
      lines.set(container, [...(lines.get(container) ?? []), line]);
      for (const follower of followers) if (follower.container === container) follower.onLine(line);
    },
  };
  return pod;
}

/** What programs of a fake pod find besides files: no names or sockets, and the pod's own way to fetch. */
function fakeWorld(pod: FakePod, container: string, clock: ManualClock): Omit<PodWorld, 'files'> {
  const { name, namespace, ip } = pod;
  return {
    clock,
    pod: { name, namespace, ip, serviceAccount: 'default' },
    container,
    image: 'app',
    env: {},
    fetch: pod.fetch,
    dial: () => Promise.reject(new Error('a fake pod dials nobody')),
    ask: () => NO_SUCH_NAME,
    listeners: () => pod.appListeners,
    proxy: () => undefined,
    imageExec: (command) => pod.exec(container, command),
  };
}

function fakeHops(): HopStore {
  const byTrace = new Map<string, HopRecord[]>();
  return {
    record: (hop) => void byTrace.set(hop.traceId, [...(byTrace.get(hop.traceId) ?? []), hop]),
    trace: (traceId) => byTrace.get(traceId) ?? [],
    hop: () => undefined,
    logged: () => [],
    requests: () => [],
    onRequest: () => () => undefined,
    onRecord: () => () => undefined,
    ...NO_FLEETING_HOPS,
    edges: () => [],
    clear: () => byTrace.clear(),
  };
}

function read(files: readonly ManifestFile[], namespace: string) {
  const { documents, diagnostics } = parseManifests(files);
  return {
    documents,
    diagnostics: [
      ...diagnostics,
      ...documents.flatMap((document) => validateDocument(document, kinds.all, { namespace })),
    ],
  };
}

/** As the sandbox: all or nothing. */
function applyTo(
  store: Sandbox['store'],
  files: readonly ManifestFile[],
  { namespace, changeId }: { readonly namespace: string; readonly changeId: string },
): ApplyOutcome {
  const { documents, diagnostics } = read(files, namespace);
  if (diagnostics.some(({ severity }) => severity === 'error'))
    return { changeId, accepted: false, objects: [], diagnostics };
  const objects = documents.map(({ object }): AppliedObject => {
    const namespaced = kinds.forObject(object.apiVersion, object.kind)?.namespaced === true;
    const at = namespaced ? (object.metadata.namespace ?? namespace) : '';
    const placed = { ...object, metadata: { ...object.metadata, ...(at === '' ? {} : { namespace: at }) } };
    const { outcome } = store.apply(placed, { changeId });
    return { kind: object.kind, apiVersion: object.apiVersion, namespace: at, name: object.metadata.name, outcome };
  });
  return { changeId, accepted: true, objects, diagnostics };
}
