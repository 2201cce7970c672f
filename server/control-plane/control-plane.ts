import { type Diagnostic, errorMessage, type KubeObject } from '#domain';
import { mayListSecrets } from '#kube-api';
import {
  type AdsServer,
  createAdsServer,
  type ProvenIdentity,
  type ProxyNode,
  type PushEvent,
  typeUrls,
  type XdsSnapshot,
} from '#xds';
import { type AddressAllocator, createAddressAllocator } from './addresses/address-allocator.ts';
import type { ControlPlane, ControlPlaneOptions } from './doors.ts';
import { createInstanceLookup, createStatusWriter, type StatusWriter, tellsInStatus } from './gateway-api/index.ts';
import { ingressStatusChanges, tellsOfIngress } from './ingress/index.ts';
import { KeyResolver } from './jwks/key-resolver.ts';
import { createPushQueue, labDebounce, type PushQueue, ruleDebounce } from './push/index.ts';
import { shortType } from './push/sync-table.ts';
import { createDiscovery } from './snapshot/discovered-objects.ts';
import { createSnapshotDeriver, type MeshSnapshot } from './snapshot/mesh-snapshot.ts';
import { createObjectTables } from './snapshot/object-tables.ts';
import { createTranslator, secretResources, type Translator } from './translate/index.ts';

/** Wires store → snapshot → translation → push. Nothing runs before `start`. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  return new Pilot(options);
}

/** Kinds of Istio's API and of the Gateway API. */
const isRule = ({ apiVersion }: KubeObject): boolean =>
  /^(?:[\w-]+\.istio\.io|gateway\.networking\.(?:x-)?k8s\.io)\//.test(apiVersion);

const JWT_POLICY = 'RequestAuthentication';
/** The change behind a push of keys that istiod has fetched. */
const KEYS_CHANGE = 'jwks-refresh';

/** Whom istiod lets speak of a stream, by its form. */
const SCOPES = { delta: 'delta', 'state of the world': 'ads' } as const;

/** As istiod logs it: `ADS:LDS: ACK ERROR cart-1.default Internal:…`. */
const refusal = ({ typeUrl, nodeId, error = '' }: PushEvent): string =>
  `ADS:${shortType(typeUrl)}: ACK ERROR ${nodeId.split('~')[2] ?? nodeId} Internal:${error}`;

class Pilot implements ControlPlane {
  readonly ads: AdsServer;
  readonly #options: ControlPlaneOptions;
  readonly #queue: PushQueue;
  readonly #statuses: StatusWriter;
  /** Absent where istiod is told to give none. */
  readonly #addresses: AddressAllocator | undefined;
  readonly #tables = createObjectTables();
  readonly #derive;
  readonly #translator = createTranslator();
  readonly #keys: KeyResolver | undefined;
  #snapshot: MeshSnapshot | undefined;
  #pushes = 0;
  #versionInfo: string;
  #lastChangeId = '';
  #unwatch: (() => void) | undefined;
  /** What was found for each proxy at its latest translation. */
  readonly #problems = new Map<string, readonly Diagnostic[]>();
  /** Messages already logged, so that each is said once as long as it holds. */
  #logged: ReadonlySet<string> = new Set();
  #logIsDue = false;
  /** What a group of proxies holds, with the certificates of the one that was asked for last: most have none. */
  readonly #whole = new WeakMap<XdsSnapshot['resources'], XdsSnapshot['resources']>();

  constructor(options: ControlPlaneOptions) {
    const { clock, onPush, onLog, meshConfig } = options;
    this.#options = options;
    this.#derive = createSnapshotDeriver(meshConfig, onLog);
    this.#versionInfo = this.#nextVersion();
    this.#keys =
      options.jwks && new KeyResolver({ clock, log: onLog, ...options.jwks, onChange: () => this.#keysChanged() });
    this.ads = createAdsServer({
      clock,
      onConnect: (node) => this.#build(node, this.#lastChangeId),
      ...(options.verify && { verify: options.verify }),
      onDisconnect: (nodeId) => {
        this.#problems.delete(nodeId);
        this.#queue.disconnected(nodeId);
      },
      onPush: (event) => {
        this.#queue.note(event);
        if (event.state === 'nacked') onLog(`warn\t${SCOPES[event.variant ?? 'delta']}\t${refusal(event)}`);
        onPush(event);
      },
    });
    this.#queue = createPushQueue({
      clock,
      ads: this.ads,
      onBegin: (changeIds) => this.#begin(changeIds),
      build: (node, changeIds) => this.#build(node, changeIds.at(-1) ?? this.#lastChangeId),
      onError: (cause, nodeId) => onLog(`error\tpush failed${nodeId ? ` for ${nodeId}` : ''}: ${errorMessage(cause)}`),
    });
    const discover = createDiscovery();
    this.#statuses = createStatusWriter({
      store: options.store,
      clock,
      read: () => {
        const { gatewayApi, mesh } = this.#current();
        const { tables } = discover(this.#tables, mesh.discoverySelectors);
        const services = tables.list('Service');
        const ingresses = tables.list('Ingress.networking.k8s.io');
        const classes = tables.list('IngressClass.networking.k8s.io');
        return {
          findings: gatewayApi.findings,
          lookup: createInstanceLookup(services, tables.list('EndpointSlice.discovery.k8s.io')),
          others: ingressStatusChanges({ ingresses, classes, services }, mesh),
        };
      },
      onError: (message) => onLog(`error\tstatus not written: ${message}`),
    });
    this.#addresses = meshConfig.features.allocatesAddresses
      ? createAddressAllocator({
          store: options.store,
          clock,
          discovers: (namespace) => this.discovers(namespace),
          onError: (message) => onLog(`error\t${message}`),
        })
      : undefined;
  }

  start(): void {
    const { store, clock } = this.#options;
    // Kinds that no proxy is configured from are pushed too: nothing differs, nothing is sent, and whoever waits for that change to
    // settle is answered at once.
    this.#unwatch ??= store.watch('*', ({ type, object, changeId }) => {
      const isPolicy = object.kind === JWT_POLICY;
      const kind = this.#tables.apply(type, isPolicy && type !== 'DELETED' ? this.#filled(object) : object);
      if (isPolicy) this.#keys?.keep(store.list(JWT_POLICY));
      if (kind !== undefined) this.#snapshot = undefined;
      const debounce = isRule(object) ? ruleDebounce : labDebounce;
      this.#queue.request(changeId, clock.now(), debounce);
      // Asked for after the push, so that a status is not there before what it tells of.
      if (type !== 'DELETED') this.#addresses?.touch(object, changeId);
      if (kind !== undefined && (tellsInStatus(kind) || tellsOfIngress(kind))) this.#statuses.touch(changeId, debounce);
    });
  }

  flush(): void {
    // Addresses belong to the change that needs them.
    this.#addresses?.flush();
    this.#queue.flush();
  }

  /** The policies as they are with the keys that are known now. */
  #keysChanged(): void {
    const { store, clock } = this.#options;
    for (const object of store.list(JWT_POLICY)) this.#tables.apply('MODIFIED', this.#filled(object));
    this.#snapshot = undefined;
    this.#queue.request(KEYS_CHANGE, clock.now());
  }

  #filled(object: KubeObject): KubeObject {
    return this.#keys?.fill(object) ?? object;
  }

  stop(): void {
    this.#keys?.stop();
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#queue.stop();
    this.#statuses.stop();
    this.#addresses?.stop();
  }

  syncStatus(): ReturnType<ControlPlane['syncStatus']> {
    return this.#queue.syncStatus();
  }

  settled(...given: Parameters<ControlPlane['settled']>): ReturnType<ControlPlane['settled']> {
    return this.#queue.settled(...given);
  }

  async answered(concerns: (nodeId: string) => boolean, timeoutMs: number): Promise<boolean> {
    const answered = await this.#queue.answered(concerns, timeoutMs);
    this.#statuses.flush();
    return answered;
  }

  inspect(): MeshSnapshot {
    return this.#current();
  }

  discovers(namespace: string): boolean {
    return this.#current().discovered?.has(namespace) !== false;
  }

  snapshotFor(node: ProxyNode): XdsSnapshot {
    const { resources } = this.#resourcesFor(node);
    return { versionInfo: this.#versionInfo, changeId: this.#lastChangeId, resources };
  }

  problems(): readonly Diagnostic[] {
    return [...new Map([...this.#problems.values()].flat().map((problem) => [problem.message, problem])).values()];
  }

  #begin(changeIds: readonly string[]): void {
    this.#lastChangeId = changeIds.at(-1) ?? this.#lastChangeId;
    this.#versionInfo = this.#nextVersion();
  }

  /** As istiod names pushes: time and counter. Unlike there, the time has its milliseconds: how long pushes take is told by it. */
  #nextVersion(): string {
    this.#pushes += 1;
    return `${new Date(this.#options.clock.now()).toISOString()}/${this.#pushes}`;
  }

  #current(): MeshSnapshot {
    this.#snapshot ??= this.#derive(this.#tables);
    return this.#snapshot;
  }

  #build(node: ProxyNode, changeId: string): XdsSnapshot {
    const { resources, problems } = this.#resourcesFor(node);
    const before = this.#problems.get(node.id) ?? [];
    this.#problems.set(node.id, problems);
    if (before.length > 0 || problems.length > 0) this.#logSoon();
    return { versionInfo: this.#versionInfo, changeId, resources };
  }

  /** Configuration, and the certificates that it names. */
  #resourcesFor(node: ProxyNode): ReturnType<Translator['translate']> {
    const snapshot = this.#current();
    const { resources, problems } = this.#translator.translate(snapshot, node);
    const mayList = ({ namespace, serviceAccount }: ProvenIdentity) =>
      mayListSecrets(this.#options.store, namespace, serviceAccount);
    const secrets = secretResources({ snapshot, node, resources, mayList });
    const held = this.#whole.get(resources);
    if (held?.get(typeUrls.secret) === secrets) return { resources: held, problems };
    const whole = new Map([...resources, [typeUrls.secret, secrets] as const]);
    this.#whole.set(resources, whole);
    return { resources: whole, problems };
  }

  /** Once for all proxies of a turn: many have the same problems. */
  #logSoon(): void {
    if (this.#logIsDue) return;
    this.#logIsDue = true;
    queueMicrotask(() => this.#logProblems());
  }

  #logProblems(): void {
    this.#logIsDue = false;
    const problems = this.problems();
    for (const { severity, code, message } of problems) {
      if (!this.#logged.has(message))
        this.#options.onLog(`${severity === 'error' ? 'error' : 'warn'}\t${code} ${message}`);
    }
    this.#logged = new Set(problems.map(({ message }) => message));
  }
}
