import type { MeshView, PodView, PushView, RequestView } from '#contract';
import type { PushSummary } from '#control-plane';
import type { RunningPod, Sandbox } from '#sandbox';
import type { RequestSummary } from '#telemetry';

/** What the map's edges are counted over. */
export const MAP_WINDOW_MS = 10_000;
const CONTROL_PLANE = 'istiod';

const serviceOf = (pod: RunningPod): string =>
  pod.labels['service.istio.io/canonical-name'] ?? pod.labels['app'] ?? pod.labels['istio'] ?? pod.name;
const versionOf = (pod: RunningPod): string =>
  pod.labels['service.istio.io/canonical-revision'] ?? pod.labels['version'] ?? '';

export function podRole(pod: RunningPod): PodView['role'] {
  if (pod.labels['app'] === CONTROL_PLANE) return 'control-plane';
  return pod.containers.some((container) => container.kind === 'app') ? 'app' : 'gateway';
}

const mainContainers = (pod: RunningPod) => pod.containers.filter((container) => container.kind !== 'init');
const isReady = (pod: RunningPod): boolean => mainContainers(pod).every((container) => container.ready);

export const podViews = (sandbox: Sandbox): PodView[] => sandbox.pods.map(podView);

export function podView(pod: RunningPod): PodView {
  const main = mainContainers(pod);
  const troubled = main.find((container) => !container.ready);
  return {
    name: pod.name,
    namespace: pod.namespace,
    ip: pod.ip,
    service: serviceOf(pod),
    version: versionOf(pod),
    ready: main.filter((container) => container.ready).length,
    total: main.length,
    phase: troubled?.state ?? 'Running',
    role: podRole(pod),
    proxied: pod.proxy !== undefined,
  };
}

/** The map: a node for each workload version that runs, an edge for each pair that spoke within the window. */
export function meshView(sandbox: Sandbox): MeshView {
  const atMs = sandbox.clock.now();
  const nodes = new Map<string, MeshView['nodes'][number]>();
  for (const pod of sandbox.pods) {
    const role = podRole(pod);
    if (role === 'control-plane') continue;
    const id = nodeId(serviceOf(pod), versionOf(pod));
    const ready = isReady(pod);
    const known = nodes.get(id);
    nodes.set(id, {
      id,
      service: serviceOf(pod),
      version: versionOf(pod),
      role,
      proxied: pod.proxy !== undefined || known?.proxied === true,
      ready: ready || known?.ready === true,
    });
  }
  for (const [id, ejected] of ejections(sandbox)) {
    const node = nodes.get(id);
    if (node !== undefined) nodes.set(id, { ...node, ejected });
  }
  const seconds = MAP_WINDOW_MS / 1000;
  const byAddress = addressNames(sandbox);
  const edges = sandbox.hops.edges(MAP_WINDOW_MS, atMs).map((edge) => {
    const from = nodeId(edge.source, edge.sourceVersion);
    const to = nodeId(edge.destination, edge.destinationVersion);
    for (const [id, service, version] of [
      [from, edge.source, edge.sourceVersion],
      [to, edge.destination, edge.destinationVersion],
    ] as const) {
      if (nodes.has(id)) continue;
      const named = byAddress.get(service) ?? service;
      nodes.set(id, { id, service: named, version, role: 'client', proxied: false, ready: true });
    }
    return {
      from,
      to,
      rps: edge.requests / seconds,
      errorShare: edge.requests === 0 ? 0 : edge.errors / edge.requests,
      slowShare: edge.requests === 0 ? 0 : edge.slow / edge.requests,
      p50: edge.p50,
      p90: edge.p90,
      p99: edge.p99,
      mtls: edge.mtls,
      flags: { ...edge.flags },
    };
  });
  return { atMs, windowMs: MAP_WINDOW_MS, nodes: [...nodes.values()], edges };
}

/** The map breaks names at their spaces. */
const oneLine = (name: string): string => name.replaceAll(' ', '\u00a0');

/** What a bare address means, where a proxy passed a connection on without knowing a service for it. */
function addressNames(sandbox: Sandbox): Map<string, string> {
  const services = sandbox.store.list('Service').flatMap((service) => {
    const { clusterIP } = (service.spec ?? {}) as { readonly clusterIP?: string };
    return clusterIP === undefined ? [] : [[clusterIP, oneLine(`address of ${service.metadata.name}`)] as const];
  });
  const pods = sandbox.pods.map((pod) => [pod.ip, oneLine(`pod of ${serviceOf(pod)}`)] as const);
  return new Map([...services, ...pods]);
}

/** Outlier detection is each caller's own: whom it has taken out of its balancing at this moment, by node. */
function ejections(sandbox: Sandbox): Map<string, { pods: number; by: number }> {
  const byIp = new Map(sandbox.pods.map((pod) => [pod.ip, nodeId(serviceOf(pod), versionOf(pod))]));
  const found = new Map<string, { pods: Set<string>; by: Set<string> }>();
  for (const { name, proxy } of sandbox.pods) {
    for (const { address, ejected } of proxy?.admin.endpoints() ?? []) {
      const id = ejected ? byIp.get(address.ip) : undefined;
      if (id === undefined) continue;
      const known = found.get(id) ?? { pods: new Set<string>(), by: new Set<string>() };
      found.set(id, known);
      known.pods.add(address.ip);
      known.by.add(name);
    }
  }
  return new Map([...found].map(([id, { pods, by }]) => [id, { pods: pods.size, by: by.size }]));
}

export const nodeId = (service: string, version: string): string =>
  version === '' ? service : `${service}@${version}`;

export function requestView(request: RequestSummary): RequestView {
  return {
    id: request.id,
    traceId: request.traceId,
    atMs: request.startMs,
    durationMs: request.durationMs,
    source: request.source.service,
    sourceVersion: request.source.version,
    destination: request.destination.service,
    destinationVersion: request.destination.version,
    method: request.method,
    path: request.path,
    status: request.status,
    flags: [...request.flags],
    mtls: request.mtls,
    answeredBy: request.answeredBy,
  };
}

/** Pod and namespace of `sidecar~127.8.1.4~reviews-v1-….default~default.svc.cluster.local`. */
function podOfNode(nodeId: string): { pod: string; namespace: string } {
  const id = nodeId.split('~')[2] ?? nodeId;
  const dot = id.lastIndexOf('.');
  return dot < 0 ? { pod: id, namespace: '' } : { pod: id.slice(0, dot), namespace: id.slice(dot + 1) };
}

export function pushView(summary: PushSummary, number: number, title: string): PushView {
  return {
    changeId: summary.changeId,
    number,
    title,
    atMs: summary.startedMs,
    ...(summary.versionInfo === '' ? {} : { version: summary.versionInfo }),
    ...(summary.effectiveMs === undefined ? {} : { effectiveMs: summary.effectiveMs }),
    proxies: summary.proxies.map((proxy) => ({
      ...podOfNode(proxy.nodeId),
      types: [...proxy.types],
      bytes: proxy.bytes,
      sentMs: proxy.sentMs - summary.startedMs,
      ...(proxy.settledMs === undefined ? {} : { settledMs: proxy.settledMs - summary.startedMs }),
      state: proxy.error !== undefined ? 'nacked' : proxy.settledMs === undefined ? 'sent' : 'acked',
      ...(proxy.error === undefined ? {} : { error: proxy.error }),
    })),
  };
}
