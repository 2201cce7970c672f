import { X509Certificate } from 'node:crypto';
import type { ControlPlane } from '#control-plane';
import type { Clock } from '#domain';
import { gatewayKinds, istioKinds, istioVersion } from '#istio';
import type { KubeStore, WatchEvent } from '#kube-api';
import { type PushEvent, typeUrls } from '#xds';
import { rootNamespace } from '../system.ts';
import { debugConnections, metadataText } from './connections.ts';
import { Distribution, PrometheusPage } from './prometheus-families.ts';
import { PUSH_METRICS, pushStatus } from './push-status-page.ts';

/** Of types of resources, as metrics have them. */
export const shortNames: Readonly<Record<string, string>> = {
  [typeUrls.cluster]: 'cds',
  [typeUrls.listener]: 'lds',
  [typeUrls.route]: 'rds',
  [typeUrls.endpoint]: 'eds',
  [typeUrls.secret]: 'sds',
  [typeUrls.extension]: 'ecds',
  [typeUrls.nameTable]: 'nds',
};
const CONFIG_KINDS = new Set([...istioKinds, ...gatewayKinds].map(({ kind }) => kind));
/** Kinds of Kubernetes that istiod reads, by the names that it counts them under, and what a push for them is triggered by. */
const REGISTRY: Readonly<Record<string, readonly [counted: string, trigger: string]>> = {
  Service: ['Services', 'service'],
  EndpointSlice: ['EndpointSlice', 'endpoint'],
  Pod: ['Pods', 'proxy'],
  Node: ['Nodes', 'service'],
  Namespace: ['Namespaces', 'namespace'],
};
/** Proxies whose last push is remembered; pods come and go. */
const MAX_PROXIES = 4096;
const EVENTS = { ADDED: 'add', MODIFIED: 'update', DELETED: 'delete' } as const;

const PUSH_SECONDS = [0.01, 0.1, 1, 3, 5, 10, 20, 30];
const CONVERGENCE_SECONDS = [0.1, 0.5, 1, 3, 5, 10, 20, 30];
const SIZE_BYTES = [1, 10_000, 1_000_000, 4_000_000, 10_000_000, 40_000_000];

export interface MetricSources {
  readonly controlPlane: ControlPlane;
  readonly store: KubeStore;
}

/** Counts by labels as text. */
class Counts extends Map<string, number> {
  up(labels: string): void {
    this.set(labels, (this.get(labels) ?? 0) + 1);
  }
}

/** The last push to one proxy. */
interface Push {
  readonly versionInfo: string;
  readonly beganAtMs: number;
  lastSentAtMs: number;
  /** It is counted. */
  told: boolean;
}

/** What istiod counts of itself. Names, help and bounds: pilot/pkg/xds/monitoring.go and pilot/pkg/model/push_context.go in istio. */
export class IstiodMetrics {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #pushes = new Counts();
  readonly #rejects = new Counts();
  readonly #updates = new Counts();
  readonly #configEvents = new Counts();
  readonly #registryEvents = new Counts();
  readonly #triggers = new Counts();
  readonly #pushTimes = new Map<string, Distribution>();
  readonly #sizes = new Map<string, Distribution>();
  readonly #convergence = new Distribution(CONVERGENCE_SECONDS);
  /** By proxy; the connected ones and those that were. */
  readonly #lastPushes = new Map<string, Push>();
  /** Why the next push will be. */
  readonly #reasons = new Set<string>();
  #versionInfo = '';
  #unwatch: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.now();
  }

  start(store: KubeStore): void {
    this.#unwatch = store.watch('*', (event) => this.#changed(event));
  }

  stop(): void {
    this.#unwatch?.();
  }

  pushed({ nodeId, typeUrl, versionInfo, state, atMs, bytes }: PushEvent): void {
    const short = shortNames[typeUrl] ?? typeUrl;
    if (state === 'nacked') this.#rejects.up(`type="${short}"`);
    if (state !== 'sent') return;
    this.#trigger(versionInfo);
    this.#pushes.up(`type="${short}"`);
    made(this.#sizes, `type="${typeUrl}"`, SIZE_BYTES).record(bytes);
    const push = this.#pushTo(nodeId, versionInfo, atMs);
    push.lastSentAtMs = atMs;
    made(this.#pushTimes, `type="${short}"`, PUSH_SECONDS).record((atMs - push.beganAtMs) / 1000);
  }

  text({ controlPlane, store }: MetricSources): string {
    for (const push of this.#lastPushes.values()) this.#tell(push);
    const page = new PrometheusPage();
    const { services, virtualServices } = controlPlane.inspect();
    const connected = new Counts();
    for (const { node } of debugConnections(controlPlane))
      connected.up(`version="${metadataText(node, 'ISTIO_VERSION', istioVersion)}"`);
    const one = (value: number, labels = ''): [string, number][] => [[labels, value]];
    page.add('gauge', 'istio_build', 'Istio component build info', one(1, `component="pilot",tag="${istioVersion}"`));
    page.add('gauge', 'pilot_info', 'Pilot version and build information.', one(1, `version="${istioVersion}"`));
    page.add('gauge', 'istiod_managed_clusters', 'Number of clusters managed by istiod', [
      ['cluster_type="local"', 1],
      ['cluster_type="remote"', 0],
    ]);
    const uptime = (this.#clock.now() - this.#startedAtMs) / 1000;
    page.add('gauge', 'istiod_uptime_seconds', 'Current istiod server uptime in seconds', one(uptime));
    page.add('gauge', 'pilot_xds', 'Number of endpoints connected to this pilot using XDS.', connected);
    page.add('gauge', 'pilot_services', 'Total services known to pilot.', one(services.all.length));
    page.add('gauge', 'pilot_virt_services', 'Total virtual services known to pilot.', one(virtualServices.length));
    const odd = pushStatus(controlPlane);
    for (const [name, help] of Object.entries(PUSH_METRICS)) {
      page.add('gauge', name, help, one(Object.keys(odd[name] ?? {}).length));
    }
    page.add('counter', 'pilot_xds_pushes', 'Pilot build and send errors for lds, rds, cds and eds.', this.#pushes);
    page.add(
      'counter',
      'pilot_total_xds_rejects',
      'Total number of XDS responses from pilot rejected by proxy.',
      this.#rejects,
    );
    page.add('counter', 'pilot_inbound_updates', 'Total number of updates received by pilot.', this.#updates);
    page.add('counter', 'pilot_k8s_cfg_events', 'Events from k8s config.', this.#configEvents);
    page.add('counter', 'pilot_k8s_reg_events', 'Events from k8s registry.', this.#registryEvents);
    page.add(
      'counter',
      'pilot_push_triggers',
      'Total number of times a push was triggered, labeled by reason for the push.',
      this.#triggers,
    );
    page.addHistogram(
      'pilot_xds_push_time',
      'Total time in seconds Pilot takes to push lds, rds, cds and eds.',
      this.#pushTimes,
    );
    page.addHistogram(
      'pilot_proxy_convergence_time',
      'Delay in seconds between config change and a proxy receiving all required configuration.',
      [['', this.#convergence]],
    );
    page.addHistogram(
      'pilot_xds_config_size_bytes',
      'Distribution of configuration sizes pushed to clients',
      this.#sizes,
    );
    this.#addRoot(page, store);
    return page.text();
  }

  #addRoot(page: PrometheusPage, store: KubeStore): void {
    const root = rootExpiry(store);
    if (root === undefined) return;
    page.add(
      'gauge',
      'citadel_server_root_cert_expiry_timestamp',
      'The unix timestamp, in seconds, when the root cert will expire.',
      [['', root / 1000]],
    );
    page.add(
      'gauge',
      'citadel_server_root_cert_expiry_seconds',
      'The time remaining, in seconds, before the root cert will expire. A negative value indicates the cert is expired.',
      [['', (root - this.#clock.now()) / 1000]],
    );
  }

  #changed({ type, object: { kind } }: WatchEvent): void {
    const event = `event="${EVENTS[type]}"`;
    const registry = REGISTRY[kind];
    if (CONFIG_KINDS.has(kind)) {
      this.#configEvents.up(`${event},type="${kind}"`);
      this.#updates.up('type="config"');
      this.#reasons.add('config');
    } else if (registry !== undefined) {
      const [counted, trigger] = registry;
      this.#registryEvents.up(`${event},type="${counted}"`);
      if (kind === 'Service') this.#updates.up('type="svc"');
      if (kind === 'EndpointSlice') this.#updates.up('type="eds"');
      this.#reasons.add(trigger);
    }
  }

  #trigger(versionInfo: string): void {
    if (versionInfo === this.#versionInfo) return;
    this.#versionInfo = versionInfo;
    for (const reason of this.#reasons) this.#triggers.up(`type="${reason}"`);
    this.#reasons.clear();
  }

  #pushTo(nodeId: string, versionInfo: string, atMs: number): Push {
    const before = this.#lastPushes.get(nodeId);
    if (before?.versionInfo === versionInfo) return before;
    if (before !== undefined) this.#tell(before);
    // A push is named after the time at which it began.
    const began = Date.parse(versionInfo.split('/')[0] ?? '');
    const beganAtMs = Number.isNaN(began) ? atMs : Math.min(began, atMs);
    const push = { versionInfo, beganAtMs, lastSentAtMs: atMs, told: false };
    this.#lastPushes.set(nodeId, push);
    const [oldest] = this.#lastPushes.keys();
    if (this.#lastPushes.size > MAX_PROXIES && oldest !== undefined) this.#lastPushes.delete(oldest);
    return push;
  }

  #tell(push: Push): void {
    if (push.told) return;
    push.told = true;
    this.#convergence.record((push.lastSentAtMs - push.beganAtMs) / 1000);
  }
}

function made(map: Map<string, Distribution>, labels: string, bounds: readonly number[]): Distribution {
  let held = map.get(labels);
  if (held === undefined) {
    held = new Distribution(bounds);
    map.set(labels, held);
  }
  return held;
}

/** When the mesh's root certificate ends; undefined before there is one. */
function rootExpiry(store: KubeStore): number | undefined {
  const data = store.get('ConfigMap', { namespace: rootNamespace, name: 'istio-ca-root-cert' })?.['data'];
  const pem = (data as Readonly<Record<string, string>> | undefined)?.['root-cert.pem'];
  return pem === undefined ? undefined : Date.parse(new X509Certificate(pem).validTo);
}
