import type { LeftOut, LeftOutQuestion, MeshConfig } from '#control-plane';
import type { Clock, HopRecord, KubeObject } from '#domain';
import type { PodObject } from '../kube-types.ts';
import { destinationOf, gatewayPorts, portOf, resolveHost } from './addresses.ts';
import { createDryRun, type DryRun } from './dry-run.ts';
import { type ClientView, sendRequest } from './request.ts';

/** How long a hop may take to be recorded after the client has its answer. */
const RECORD_MS = 500;
const LOOK_AGAIN_MS = 5;

/** Whose request it is: a pod with its sidecar, or a gateway's proxy that a client outside talks to. */
export interface TrialSource {
  readonly role: 'sidecar' | 'router';
  readonly pod: PodObject;
}

export interface TrialRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Then the request has no answer. */
  readonly timeoutMs: number;
}

export interface TrialOutcome {
  readonly view: ClientView;
  /** In the order in which the proxies finished. */
  readonly hops: readonly HopRecord[];
}

/** A mesh in memory that requests can be tried on, one after the other. */
export interface Trials {
  send(source: TrialSource, request: TrialRequest): Promise<TrialOutcome>;
  /** The routes of a virtual host as the proxy of a pod holds them, by name, in order. */
  routesOf(source: TrialSource, virtualHost: string): Promise<readonly string[]>;
  /** The rules that a hop's proxy was never sent, of those that its request may have been meant for. */
  leftOut(hop: HopRecord): readonly LeftOut[];
  /** Why a gateway does not listen where a request would have come to it, as far as rules tell; nothing for a sidecar. */
  closedTo(source: TrialSource, url: URL): readonly LeftOut[];
  /** Configuration that a proxy did not accept, so far. */
  readonly refused: DryRun['refused'];
  stop(): Promise<void>;
}

export interface TrialsOptions {
  readonly objects: readonly KubeObject[];
  readonly mesh: MeshConfig;
  readonly clock: Clock;
  readonly seed: string;
}

interface RouteShape {
  readonly virtual_hosts?: readonly {
    readonly name?: string;
    readonly routes?: readonly { readonly name?: string }[];
  }[];
}

export function createTrials(options: TrialsOptions): Trials {
  const { objects, clock } = options;
  const run = createDryRun(options);
  return {
    send: async (source, request) => {
      await run.startProxy(source.pod, source.role);
      const before = run.hops.length;
      const view = await sendRequest({ ...request, clock }, () => dial(run, source, request.url, objects));
      await recorded(run, clock, before);
      return { view, hops: run.hops.slice(before) };
    },
    routesOf: async ({ pod, role }, virtualHost) => {
      const { admin } = await run.startProxy(pod, role);
      const hosts = (admin.routes() as readonly RouteShape[]).flatMap(({ virtual_hosts: own = [] }) => own);
      const routes = hosts.find(({ name }) => name === virtualHost)?.routes ?? [];
      return routes.map(({ name }, place) => name || `route ${place + 1}`);
    },
    leftOut: (hop) => run.leftOut(hop),
    closedTo: ({ role, pod }, url) => (role === 'router' ? run.leftOutOfClosed(pod, askedOf(url, pod, objects)) : []),
    get refused() {
      return run.refused;
    },
    stop: () => run.stop(),
  };
}

function askedOf(url: URL, pod: PodObject, objects: readonly KubeObject[]): Omit<LeftOutQuestion, 'node'> {
  const isTls = url.protocol === 'https:';
  const [port = portOf(url)] = gatewayPorts(portOf(url), pod, objects);
  const destination = `${pod.status?.podIP}:${port}`;
  const connection = { destination, serverName: isTls ? url.hostname : '', isTls, isRaw: false };
  return { authority: url.host, virtualHost: '', cluster: '', connection };
}

function dial(run: DryRun, { role, pod }: TrialSource, url: URL, objects: readonly KubeObject[]) {
  const ip = pod.status?.podIP ?? '';
  if (role === 'router') {
    const ports = gatewayPorts(portOf(url), pod, objects);
    const port = ports.find((candidate) => run.network.listens({ ip, port: candidate })) ?? portOf(url);
    return run.network.dial({ ip, port });
  }
  const namespace = pod.metadata.namespace ?? 'default';
  return run.network.captured(ip, destinationOf(url, resolveHost(url.hostname, namespace, objects)));
}

/** A proxy records a hop when its part has ended, which may be a moment after the client has its answer. */
function recorded({ hops }: DryRun, clock: Clock, before: number): Promise<void> {
  const end = clock.monotonic() + RECORD_MS;
  return new Promise((resolve) => {
    let seen = -1;
    const look = (): void => {
      if ((hops.length === seen && hops.length > before) || clock.monotonic() > end) resolve();
      else {
        seen = hops.length;
        clock.after(LOOK_AGAIN_MS, look);
      }
    };
    look();
  });
}
