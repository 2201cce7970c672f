import { selectProtocol } from '#control-plane';
import type { Container, NameOf, Pod, Service, ServicePort } from './objects.ts';

const PROXY = 'istio-proxy';
/** The user that the sidecar runs as. */
const PROXY_USER = 1337;
const REQUIREMENTS = 'https://istio.io/latest/docs/ops/deployment/application-requirements/';
const RESERVED = 'WARNING: User ID (UID) 1337 is reserved for the sidecar proxy.';

const CANONICAL_NAME = ['service.istio.io/canonical-name', 'app.kubernetes.io/name', 'app'];
const CANONICAL_REVISION = ['service.istio.io/canonical-revision', 'app.kubernetes.io/version', 'version'];

const isMeshed = ({ spec: { containers = [], initContainers = [] } }: Pod): boolean =>
  [...containers, ...initContainers].some(({ name }) => name === PROXY);

/** `default`, by annotation or by what injection has left. */
export function revisionOf({ metadata: { annotations = {} } }: Pod): string {
  const told = annotations['istio.io/rev'];
  if (told !== undefined) return told;
  try {
    const status = JSON.parse(annotations['sidecar.istio.io/status'] ?? '{}') as { readonly revision?: string };
    return status.revision ?? '';
  } catch {
    return '';
  }
}

/** Lines about a pod itself. Source: printPod in istioctl/pkg/describe of istio. */
export function podLines(pod: Pod, nameOf: NameOf, ignoreUnmeshed: boolean): string[] {
  const { containers = [] } = pod.spec;
  const ports = containers.flatMap(portWords);
  const name = nameOf(pod.metadata);
  const lines = [
    ...containers.filter(takesProxyUser).map(() => RESERVED),
    `Pod: ${name}`,
    `   Pod Revision: ${revisionOf(pod)}`,
    ports.length === 0 ? '   Pod does not expose ports' : `   Pod Ports: ${ports.join(', ')}`,
  ];
  const phase = pod.status?.phase ?? '';
  if (phase !== 'Running') return [...lines, `   Pod is not Running (${phase})`];
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {};
  lines.push(
    ...containerStatuses
      .filter(({ ready }) => ready !== true)
      .map((each) => `WARNING: Pod ${name} Container ${each.name} NOT READY`),
    ...initContainerStatuses
      .filter(({ ready }) => ready !== true)
      .map((each) => `WARNING: Pod ${name} Init Container ${each.name} NOT READY`),
  );
  if (ignoreUnmeshed) return lines;
  if (!isMeshed(pod)) return [...lines, `WARNING: ${name} is not part of mesh; no Istio sidecar`];
  return [...lines, ...meshLines(pod)];
}

function meshLines({ metadata: { labels = {} }, spec }: Pod): string[] {
  const has = (names: readonly string[]): boolean => names.some((name) => labels[name] !== undefined);
  const suggestion = (what: string): string =>
    `Suggestion: add required service ${what} label for Istio telemetry. See ${REQUIREMENTS}.`;
  return [
    ...(spec.securityContext?.runAsUser === PROXY_USER ? [`   ${RESERVED}`] : []),
    ...(has(CANONICAL_NAME) ? [] : [suggestion('name')]),
    ...(has(CANONICAL_REVISION) ? [] : [suggestion('revision')]),
  ];
}

const takesProxyUser = ({ name, securityContext }: Container): boolean =>
  name !== PROXY && name !== 'istio-operator' && securityContext?.runAsUser === PROXY_USER;

const portWords = ({ name, ports = [] }: Container): string[] =>
  ports.map(({ containerPort, protocol = 'TCP' }) =>
    protocol === 'TCP' ? `${containerPort} (${name})` : `${containerPort}/${protocol} (${name})`,
  );

/** Lines about a Service and the ports of the pod behind it. Source: printService, likewise. */
export function serviceLines({ metadata, spec }: Service, pod: Pod, nameOf: NameOf): string[] {
  const lines = (spec.ports ?? [])
    .filter(({ protocol = 'TCP' }) => protocol === 'TCP')
    .map((port) => {
      const target = targetPort(pod, port);
      return target === undefined
        ? `   no suitable port for manifest: ${pod.metadata.uid ?? ''}`
        : `   Port: ${port.name ?? ''} ${port.port}/${protocolWords(port)} targets pod port ${target}`;
    });
  return [`Service: ${nameOf(metadata)}`, ...lines];
}

/** The pod's port behind that of a Service; undefined where the pod has none of the name. */
export function targetPort({ spec: { containers = [] } }: Pod, port: ServicePort): number | undefined {
  const { targetPort: target = port.port, protocol = 'TCP' } = port;
  if (typeof target === 'number') return target;
  const ports = containers.flatMap((container) => container.ports ?? []);
  return ports.find((each) => each.name === target && (each.protocol ?? 'TCP') === protocol)?.containerPort;
}

/** Names of protocols that are not all capitals. Source: pkg/config/protocol/instance.go in istio. */
const PROTOCOLS: Readonly<Record<string, string>> = {
  auto: 'UnsupportedProtocol',
  'grpc-web': 'GRPC-Web',
  mongo: 'Mongo',
  mysql: 'MySQL',
  redis: 'Redis',
};

export function protocolWords(port: ServicePort): string {
  if ((port.name ?? '') === '' && port.appProtocol === undefined) return 'auto-detect';
  const protocol = selectProtocol(port);
  return PROTOCOLS[protocol] ?? protocol.toUpperCase();
}
