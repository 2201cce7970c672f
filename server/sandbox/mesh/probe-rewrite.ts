import type { ContainerSpec, PodObject, ProbeSpec } from '../kube-types.ts';

const REWRITE = 'sidecar.istio.io/rewriteAppHTTPProbers';
const STATUS_PORT = 15020;
const TABLE = 'ISTIO_KUBE_APP_PROBERS';
const PROBES = { startupProbe: 'startupz', readinessProbe: 'readyz', livenessProbe: 'livez' } as const;

/** On unless the pod says otherwise: with mutual TLS the kubelet has no certificate to show. */
export const rewritesProbes = ({ metadata }: PodObject): boolean => metadata.annotations?.[REWRITE] !== 'false';

interface Rewritten {
  readonly containers: readonly ContainerSpec[];
  /** What the agent needs to know to ask in the kubelet's place; undefined when nothing was rewritten. */
  readonly env: { readonly name: string; readonly value: string } | undefined;
}

/** Points the HTTP, TCP and gRPC probes of the application's containers at the agent, as Istio's injection does. */
export function rewriteProbes(containers: readonly ContainerSpec[]): Rewritten {
  const table: Record<string, ProbeSpec> = {};
  const rewritten = containers.map((container) => {
    const changed: Record<string, ProbeSpec> = {};
    for (const [field, name] of Object.entries(PROBES) as [keyof typeof PROBES, string][]) {
      const probe = container[field];
      if (probe === undefined || (probe.httpGet ?? probe.tcpSocket ?? probe.grpc) === undefined) continue;
      const path = `/app-health/${container.name}/${name}`;
      table[path] = withNumber(container, probe);
      const { httpGet: _http, tcpSocket: _tcp, grpc: _grpc, ...timing } = probe;
      changed[field] = { httpGet: { path, port: STATUS_PORT }, ...timing };
    }
    return { ...container, ...changed };
  });
  const used = Object.keys(table).length > 0;
  return { containers: rewritten, env: used ? { name: TABLE, value: JSON.stringify(table) } : undefined };
}

/** The probe that a rewritten one stands for; any other probe as it is. */
export function originalProbe(pod: PodObject, probe: ProbeSpec): ProbeSpec {
  const path = probe.httpGet?.path ?? '';
  if (!path.startsWith('/app-health/') || probe.httpGet?.port !== STATUS_PORT) return probe;
  const env = pod.spec.containers.flatMap(({ env = [] }) => env).find(({ name }) => name === TABLE)?.value;
  const table = env === undefined ? {} : (JSON.parse(env) as Readonly<Record<string, ProbeSpec>>);
  const original = table[path];
  if (original === undefined) return probe;
  const { httpGet: _rewritten, ...timing } = probe;
  return { ...timing, ...original };
}

/** Named ports become numbers: the agent does not know the container's declarations. */
function withNumber({ ports = [] }: ContainerSpec, probe: ProbeSpec): ProbeSpec {
  const number = (port: number | string): number | string =>
    typeof port === 'number' ? port : (ports.find(({ name }) => name === port)?.containerPort ?? port);
  const { httpGet, tcpSocket, grpc } = probe;
  if (httpGet !== undefined) return { httpGet: { ...httpGet, port: number(httpGet.port) } };
  if (tcpSocket !== undefined) return { tcpSocket: { ...tcpSocket, port: number(tcpSocket.port) } };
  return grpc === undefined ? {} : { grpc };
}
