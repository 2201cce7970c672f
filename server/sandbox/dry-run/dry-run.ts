import { createCertificateAuthority, createTokenIssuer } from '#ca';
import {
  createObjectTables,
  createSnapshotDeriver,
  createTranslator,
  type LeftOut,
  type LeftOutQuestion,
  type MeshConfig,
  rulesLeftOut,
} from '#control-plane';
import { createProxyWith, type Proxy } from '#data-plane';
import type { Clock, HopRecord, KubeObject, SocketAddress } from '#domain';
import { seededRandom } from '#domain';
import type { ProxyNode } from '#xds';
import type { PodObject } from '../kube-types.ts';
import { declaredPorts } from '../kubelet/declared-ports.ts';
import { leftOutOfHop } from '../left-out.ts';
import { hasProxy, PROXY_CONTAINER } from '../mesh/injection.ts';
import { createAnsweringApp } from './answering-app.ts';
import { createMemoryNetwork, type MemoryNetwork, type OnConnection } from './memory-network.ts';
import { createServiceAddresses } from './service-addresses.ts';
import { createStaticXds } from './static-xds.ts';

export interface DryRunOptions {
  /** As a cluster holds them: pods with addresses, Services with theirs, EndpointSlices. */
  readonly objects: readonly KubeObject[];
  readonly mesh: MeshConfig;
  readonly clock: Clock;
  readonly seed: string;
}

/** A mesh in memory: the real control plane and real proxies, wires that lead nowhere, and applications that only say 200. */
export interface DryRun {
  readonly network: MemoryNetwork;
  /** Each proxy's record of what it did, in the order in which they finished. */
  readonly hops: readonly HopRecord[];
  /** Configuration that a proxy did not accept. */
  readonly refused: readonly { readonly pod: string; readonly name: string; readonly message: string }[];
  /** Starts the proxy of this pod, which may be one that no object describes. */
  startProxy(pod: PodObject, role: 'sidecar' | 'router'): Promise<Proxy>;
  /** The rules that a hop's proxy was never sent, of those that its request may have been meant for. */
  leftOut(hop: HopRecord): readonly LeftOut[];
  /** The same for a connection that the proxy of this pod did not open. */
  leftOutOfClosed(pod: PodObject, asked: Omit<LeftOutQuestion, 'node'>): readonly LeftOut[];
  stop(): Promise<void>;
}

const NODE_NAME = 'ISTIO_META_NODE_NAME';

export function createDryRun(options: DryRunOptions): DryRun {
  return new MemoryMesh(options);
}

class MemoryMesh implements DryRun {
  readonly hops: HopRecord[] = [];
  readonly refused: { pod: string; name: string; message: string }[] = [];
  readonly network: MemoryNetwork;
  readonly #options: DryRunOptions;
  readonly #snapshot;
  readonly #translator = createTranslator();
  readonly #tokens;
  readonly #authority;
  readonly #pods: ReadonlyMap<string, PodObject>;
  readonly #nodes = new Map<string, ProxyNode>();
  readonly #proxies = new Map<string, Promise<Proxy>>();
  readonly #stopping = new AbortController();

  constructor(options: DryRunOptions) {
    const { objects, mesh, clock } = options;
    this.#options = options;
    const tables = createObjectTables();
    for (const object of objects) tables.apply('ADDED', object);
    this.#snapshot = createSnapshotDeriver(mesh)(tables);
    this.#tokens = createTokenIssuer({ clock });
    this.#authority = createCertificateAuthority({ trustDomain: mesh.trustDomain, clock, tokens: this.#tokens });
    const pods = objects.filter((object): object is PodObject => object.kind === 'Pod' && object.apiVersion === 'v1');
    this.#pods = new Map(pods.map((pod) => [pod.status?.podIP ?? '', pod]));
    const app = createAnsweringApp();
    this.network = createMemoryNetwork({
      route: createServiceAddresses(objects),
      reach: (to) => this.#reach(to, app),
      app,
    });
  }

  startProxy(pod: PodObject, role: 'sidecar' | 'router'): Promise<Proxy> {
    const ip = pod.status?.podIP ?? '';
    const known = this.#proxies.get(ip);
    if (known !== undefined) return known;
    const proxy = this.#createProxy(pod, role);
    const started = proxy.start(this.#stopping.signal).then(() => proxy);
    this.#proxies.set(ip, started);
    return started;
  }

  leftOut(hop: HopRecord): readonly LeftOut[] {
    const node = this.#nodes.get(hop.proxy.node ?? '');
    return node === undefined ? [] : leftOutOfHop(hop, node, this.#snapshot);
  }

  leftOutOfClosed({ status }: PodObject, asked: Omit<LeftOutQuestion, 'node'>): readonly LeftOut[] {
    const node = [...this.#nodes.values()].find(({ id }) => id.split('~')[1] === status?.podIP);
    return node === undefined ? [] : rulesLeftOut(this.#snapshot, { ...asked, node });
  }

  async stop(): Promise<void> {
    const proxies = await Promise.allSettled(this.#proxies.values());
    this.#stopping.abort();
    await Promise.all(proxies.map((one) => (one.status === 'fulfilled' ? one.value.stop(0) : undefined)));
  }

  /** A pod without a sidecar and the world outside answer themselves; a sidecar takes whatever is sent to its pod. */
  async #reach(to: SocketAddress, app: OnConnection): Promise<OnConnection | undefined> {
    const pod = this.#pods.get(to.ip);
    if (pod !== undefined && hasProxy(pod)) {
      const proxy = await this.startProxy(pod, 'sidecar');
      return (socket) => proxy.acceptInbound(socket, to);
    }
    return this.#proxies.has(to.ip) ? undefined : app;
  }

  #createProxy(pod: PodObject, role: 'sidecar' | 'router'): Proxy {
    const { clock, seed, mesh } = this.#options;
    const { name, namespace = 'default', labels = {} } = pod.metadata;
    const serviceAccount = pod.spec.serviceAccountName ?? 'default';
    const ip = pod.status?.podIP ?? '';
    return createProxyWith(
      {
        role,
        pod: { name, namespace, ip, serviceAccount, labels, ports: declaredPorts(pod) },
        environment: nodeTold(pod),
        trustDomain: mesh.trustDomain,
        xdsAddress: '',
        signer: { sign: async (csrPem, token) => this.#authority.sign(csrPem, token) },
        token: () => this.#tokens.mint({ namespace, serviceAccount, pod: name }),
        network: this.network.forProxy(ip),
        clock,
        random: seededRandom(`${seed}/${namespace}/${name}`),
        onHop: (hop) => this.hops.push(hop),
        onLog: () => undefined,
      },
      {
        sendsSpans: false,
        createAdsClient: (client) => {
          this.#nodes.set(client.node.id, client.node);
          return createStaticXds(this.#translator.translate(this.#snapshot, client.node).resources, (rejection) =>
            this.refused.push({ pod: `${namespace}/${name}`, ...rejection }),
          )(client);
        },
      },
    );
  }
}

/** The node, where the pod's proxy is told it: Istio's template for gateways is silent. */
function nodeTold({ spec }: PodObject): Readonly<Record<string, string>> {
  const own = [...spec.containers, ...(spec.initContainers ?? [])].find(({ name }) => name === PROXY_CONTAINER);
  const isTold = own?.env?.some(({ name }) => name === NODE_NAME) ?? false;
  return isTold && spec.nodeName !== undefined ? { [NODE_NAME]: spec.nodeName } : {};
}
