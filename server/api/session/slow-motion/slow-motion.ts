import type { EjectedView, InsideView, PoolView, PushOnItsWay } from '#contract';
import { parseClusterName, parseDurationMs } from '#domain';
import type { RunningPod, Sandbox, SandboxEvent } from '#sandbox';
import type { LabClock } from './lab-clock.ts';

/** The lab's clock under the learner's hand, and what can be seen meanwhile inside the proxies. */
export interface SlowMotion {
  /** Takes every event of the sandbox. */
  hear(event: SandboxEvent): void;
  inside(): InsideView;
  set(rate: number): InsideView;
  /** `ms` absent: until something happens that can be seen, ten seconds at most. */
  step(ms: number | undefined): Promise<InsideView>;
  clear(): void;
}

export interface SlowMotionOptions {
  readonly clock: LabClock;
  readonly sandbox: () => Sandbox;
  readonly titleOf: (changeId: string) => string | undefined;
}

const LONGEST_STEP_MS = 10_000;
const HAPPENED = 12;

export function createSlowMotion({ clock, sandbox, titleOf }: SlowMotionOptions): SlowMotion {
  /** When each endpoint was first seen ejected, on the lab's clock. */
  let out = new Map<string, number>();
  let push:
    | {
        readonly changeId: string;
        readonly beganMs: number;
        readonly proxies: Map<string, PushOnItsWay['proxies'][number]>;
      }
    | undefined;
  let happened: string[] = [];

  const note = (text: string): void => {
    happened = [...happened, text].slice(-HAPPENED);
  };
  const podOf = (nodeId: string): string => (nodeId.split('~')[2] ?? nodeId).replace(/\.[^.]+$/, '');

  const inside = (): InsideView => {
    const mesh = sandbox();
    const proxied = mesh.pods.filter(({ proxy }) => proxy !== undefined);
    const ejected = proxied.flatMap((pod) => ejectedOf(pod, out, clock.now()));
    out = new Map(ejected.map((one) => [keyOf(one), clock.now() - one.outMs]));
    return {
      rate: clock.rate,
      labMs: clock.now(),
      lagMs: clock.lagMs(),
      pools: proxied.flatMap(poolsOf),
      ejected,
      ...(push ? { push: pushView(push, mesh) } : {}),
      happened: [...happened],
    };
  };

  const pushView = ({ changeId, proxies }: NonNullable<typeof push>, mesh: Sandbox): PushOnItsWay => {
    const connected = mesh.controlPlane?.syncStatus().map(({ node }) => podOf(node.id)) ?? [];
    return {
      changeId,
      title: titleOf(changeId) ?? 'a change',
      proxies: connected.map((pod) => proxies.get(pod) ?? { pod, state: 'waits' }),
    };
  };

  return {
    hear: (event) => {
      if (event.type === 'hop') {
        const { proxy, direction, request, response } = event.hop;
        const status = response.status === 0 ? 'no answer' : String(response.status);
        note(
          `${proxy.service}’s proxy, ${direction}: ${request.method} ${request.path} ended with ${[status, ...response.flags].join(' ')}`,
        );
      } else if (event.type === 'push' && titleOf(event.push.changeId) !== undefined) {
        const { changeId, nodeId, state, atMs, error } = event.push;
        if (push?.changeId !== changeId) push = { changeId, beganMs: atMs, proxies: new Map() };
        const pod = podOf(nodeId);
        if (push.proxies.get(pod)?.state !== state)
          note(`${pod}: ${state === 'sent' ? 'the push arrives' : state === 'acked' ? 'ACK' : `NACK ${error ?? ''}`}`);
        push.proxies.set(pod, { pod, state, afterMs: atMs - push.beganMs });
      }
    },
    inside,
    set: (rate) => {
      clock.setRate(rate);
      return inside();
    },
    step: async (ms) => {
      happened = [];
      const before = signs(inside());
      // To answer a push takes time of the machine, none of this clock's.
      await clock.socketsUntil(
        () => push === undefined || !pushView(push, sandbox()).proxies.some(({ state }) => state === 'sent'),
      );
      if (ms !== undefined) await clock.step(ms);
      else if (happened.length === 0) {
        for (let passed = 0; passed < LONGEST_STEP_MS; ) {
          const by = await clock.stepToNext(LONGEST_STEP_MS - passed);
          passed += Math.max(by, 0.01);
          if (clock.rate !== 0 || happened.length > 0 || signs(inside()) !== before) break;
        }
      }
      return inside();
    },
    clear: () => {
      out = new Map();
      push = undefined;
      happened = [];
      clock.setRate(1);
    },
  };
}

/** What somebody who looks on would call a change. */
const signs = ({ pools, ejected }: InsideView): string =>
  JSON.stringify([pools.map(({ pod, to, waiting, active }) => [pod, to, waiting, active]), ejected.map(keyOf)]);

const keyOf = ({ pod, to, address }: Pick<EjectedView, 'pod' | 'to' | 'address'>): string => `${pod} ${to} ${address}`;

const serviceOf = (pod: RunningPod): string =>
  pod.labels['service.istio.io/canonical-name'] ?? pod.labels['app'] ?? pod.name;

interface ClusterJson {
  readonly name?: string;
  readonly circuit_breakers?: {
    readonly thresholds?: readonly { readonly max_connections?: number; readonly max_pending_requests?: number }[];
  };
  readonly outlier_detection?: { readonly base_ejection_time?: string };
}

/** `outbound|8080|v1|reviews.default.svc.cluster.local` → `reviews v1`; undefined for clusters that lead to no service. */
function targetOf(cluster: string): string | undefined {
  const name = parseClusterName(cluster);
  if (name === undefined || !cluster.startsWith('outbound|')) return undefined;
  const host = name.host.split('.')[0] ?? name.host;
  return name.subset ? `${host} ${name.subset}` : host;
}

const UNLIMITED = 4_000_000_000;

function poolsOf(pod: RunningPod): PoolView[] {
  const admin = pod.proxy?.admin;
  if (!admin) return [];
  const gauges = new Map<string, { waiting: number; active: number; connections: number }>();
  const names = {
    upstream_rq_pending_active: 'waiting',
    upstream_rq_active: 'active',
    upstream_cx_active: 'connections',
  } as const;
  for (const [stat, value] of admin.stats()) {
    const found = /^cluster\.(.+)\.(upstream_rq_pending_active|upstream_rq_active|upstream_cx_active)$/.exec(stat);
    if (!found || value === 0) continue;
    const [, cluster = '', gauge] = found;
    const own = gauges.get(cluster) ?? { waiting: 0, active: 0, connections: 0 };
    gauges.set(cluster, { ...own, [names[gauge as keyof typeof names]]: value });
  }
  const clusters = new Map((admin.clusters() as ClusterJson[]).map((cluster) => [cluster.name ?? '', cluster]));
  return [...gauges].flatMap(([cluster, gauge]) => {
    // Names of stats may end where Envoy ends them: at a `;`.
    const full = [...clusters.keys()].find((name) => name === cluster || cluster.startsWith(name)) ?? cluster;
    const to = targetOf(full);
    if (to === undefined || gauge.waiting + gauge.active === 0) return [];
    const limits = clusters.get(full)?.circuit_breakers?.thresholds?.[0];
    const bound = (value: number | undefined): number | undefined =>
      value === undefined || value >= UNLIMITED ? undefined : value;
    const [connections, waiting] = [bound(limits?.max_connections), bound(limits?.max_pending_requests)];
    return [
      {
        pod: pod.name,
        service: serviceOf(pod),
        to,
        ...gauge,
        limits: {
          ...(connections === undefined ? {} : { connections }),
          ...(waiting === undefined ? {} : { waiting }),
        },
      },
    ];
  });
}

function ejectedOf(pod: RunningPod, out: ReadonlyMap<string, number>, nowMs: number): EjectedView[] {
  const admin = pod.proxy?.admin;
  if (!admin) return [];
  return admin
    .endpoints()
    .filter(({ ejected }) => ejected)
    .flatMap(({ cluster, address }) => {
      const to = targetOf(cluster);
      if (to === undefined) return [];
      const own = (admin.clusters() as ClusterJson[]).find(({ name }) => name === cluster);
      const baseMs = parseDurationMs(own?.outlier_detection?.base_ejection_time ?? '');
      const one = { pod: pod.name, service: serviceOf(pod), to, address: `${address.ip}:${address.port}` };
      return [{ ...one, outMs: nowMs - (out.get(keyOf(one)) ?? nowMs), ...(baseMs === undefined ? {} : { baseMs }) }];
    });
}
