import { errorMessage, MeshworkError } from '#domain';
import type { ContainerSpec } from '../kube-types.ts';
import { captureRules } from '../network/capture-rules.ts';
import { type EnvironmentInput, injectedEnvironment, PROXY_CONTAINER } from './injected-environment.ts';
import { environmentOf, imageOfType, type ProxySettings } from './proxy-config.ts';
import { proxyImage } from './system.ts';

export const INIT_CONTAINER = 'istio-init';

/** What injection puts into a pod's spec. */
export interface InjectedParts {
  readonly proxy: ContainerSpec;
  /** The proxy is a sidecar container of Kubernetes, among the init containers. */
  readonly native: boolean;
  readonly init: readonly ContainerSpec[];
  readonly volumes: readonly Volume[];
  readonly securityContext?: object;
}

interface Volume {
  readonly name: string;
  readonly [source: string]: unknown;
}

type Annotations = Readonly<Record<string, string>>;

/** A sidecar and the step that redirects traffic to it. Source: injection-template.yaml of istio. */
export function sidecarParts(input: EnvironmentInput, native: boolean): InjectedParts {
  const { pod, settings } = input;
  const { annotations = {} } = pod.metadata;
  const probed = annotations['status.sidecar.istio.io/port'] !== '0';
  const resources = resourcesOf(annotations);
  const proxy: ContainerSpec = {
    name: PROXY_CONTAINER,
    image: imageOf(settings, annotations),
    ...(native && { restartPolicy: 'Always' }),
    args: proxyArgs(input.role, annotations),
    ports: [METRICS_PORT],
    env: injectedEnvironment(input),
    ...lifecycleOf(input, native),
    ...(probed && { startupProbe: STARTUP, readinessProbe: readinessOf(annotations) }),
    resources,
    securityContext: { ...UNPRIVILEGED, readOnlyRootFilesystem: true, runAsNonRoot: true, ...PROXY_USER },
    volumeMounts: [...mountsOf(VOLUMES), ...named(annotations[USER_MOUNTS])],
  };
  const init = isCaptured(input) ? [initContainer(settings, annotations, resources)] : [];
  return { proxy, native, init, volumes: [...volumesOf(VOLUMES), ...named(annotations[USER_VOLUMES])] };
}

const USER_VOLUMES = 'sidecar.istio.io/userVolume';
const USER_MOUNTS = 'sidecar.istio.io/userVolumeMount';

/** What an annotation adds for the proxy: an object of volumes, or of their mounts, by name. Throws MeshworkError for other text. */
function named(annotation: string | undefined): Volume[] {
  if (annotation === undefined) return [];
  try {
    const given = JSON.parse(annotation) as Readonly<Record<string, object>>;
    return Object.entries(given).map(([name, rest]) => ({ name, ...rest }));
  } catch (cause) {
    throw new MeshworkError('MW9310', `failed to run injection template: ${errorMessage(cause)}`, { cause });
  }
}

/** A sidecar container needs no hook to start first; it is told to drain when the pod begins to end. */
function lifecycleOf({ pod, settings }: EnvironmentInput, native: boolean): object {
  if (native) {
    const port = pod.metadata.annotations?.['status.sidecar.istio.io/port'] ?? '15020';
    const command = ['pilot-agent', 'request', `--debug-port=${port}`, 'POST', 'drain'];
    return { lifecycle: { preStop: { exec: { command } } } };
  }
  return holds(settings) ? { lifecycle: { postStart: { exec: { command: ['pilot-agent', 'wait'] } } } } : {};
}

/** A gateway in a container that says `image: auto`. Source: gateway-injection-template.yaml of istio. */
export function gatewayParts(input: EnvironmentInput): InjectedParts {
  const { pod, settings } = input;
  const { annotations = {} } = pod.metadata;
  const proxy: ContainerSpec = {
    name: PROXY_CONTAINER,
    image: imageOf(settings, annotations),
    args: proxyArgs(input.role, annotations),
    ports: [METRICS_PORT],
    env: injectedEnvironment(input),
    readinessProbe: readinessOf({}),
    securityContext: PROXY_USER,
    volumeMounts: mountsOf(GATEWAY_VOLUMES),
  };
  return {
    proxy,
    native: false,
    init: [],
    volumes: volumesOf(GATEWAY_VOLUMES),
    securityContext: GATEWAY_SECURITY,
  };
}

/** A gateway may listen on low ports. */
export const GATEWAY_SECURITY = { sysctls: [{ name: 'net.ipv4.ip_unprivileged_port_start', value: '0' }] };
const METRICS_PORT = { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' };
const STARTUP = {
  httpGet: { path: '/healthz/ready', port: 15021 },
  periodSeconds: 1,
  timeoutSeconds: 3,
  failureThreshold: 600,
};
const UNPRIVILEGED = { allowPrivilegeEscalation: false, privileged: false, capabilities: { drop: ['ALL'] } };
const PROXY_USER = { runAsUser: 1337, runAsGroup: 1337 };

/** Whether the application waits for its proxy. */
export const holds = ({ holdApplicationUntilProxyStarts }: ProxySettings): boolean =>
  holdApplicationUntilProxyStarts === true;

function isCaptured({ pod, settings }: EnvironmentInput): boolean {
  const own = pod.metadata.annotations?.['sidecar.istio.io/interceptionMode'];
  return (own ?? settings['interceptionMode']) !== 'NONE';
}

/** Where the annotation names a whole image, that one. */
function imageOf(settings: ProxySettings, annotations: Annotations): string {
  const named = annotations['sidecar.istio.io/proxyImage'] ?? '';
  return named.includes('/') ? named : imageOfType(proxyImage, settings, annotations);
}

const proxyArgs = (role: 'sidecar' | 'router', annotations: Annotations): string[] => [
  'proxy',
  role,
  '--domain',
  '$(POD_NAMESPACE).svc.cluster.local',
  `--proxyLogLevel=${annotations['sidecar.istio.io/logLevel'] ?? 'warning'}`,
  `--proxyComponentLogLevel=${annotations['sidecar.istio.io/componentLogLevel'] ?? 'misc:error'}`,
  `--log_output_level=${annotations['sidecar.istio.io/agentLogLevel'] ?? 'default:info'}`,
];

function readinessOf(annotations: Annotations): object {
  const number = (name: string, otherwise: number): number =>
    Number(annotations[`readiness.status.sidecar.istio.io/${name}`] ?? otherwise);
  const initialDelaySeconds = number('initialDelaySeconds', 0);
  return {
    httpGet: { path: '/healthz/ready', port: 15021 },
    ...(initialDelaySeconds > 0 && { initialDelaySeconds }),
    periodSeconds: number('periodSeconds', 15),
    timeoutSeconds: 3,
    failureThreshold: number('failureThreshold', 4),
  };
}

export const PROXY_RESOURCES = { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '100m', memory: '128Mi' } };

/** Istio's defaults, in whose place all of the pod's annotations stand together. */
function resourcesOf(annotations: Annotations): object {
  const given = (suffix: string): Record<string, string> =>
    Object.fromEntries(
      ['CPU', 'Memory'].flatMap((which) => {
        const value = annotations[`sidecar.istio.io/proxy${which}${suffix}`];
        return value === undefined ? [] : [[which.toLowerCase(), value]];
      }),
    );
  const [requests, limits] = [given(''), given('Limit')];
  if (Object.keys(requests).length + Object.keys(limits).length === 0) {
    return PROXY_RESOURCES;
  }
  return {
    ...(Object.keys(limits).length > 0 && { limits }),
    ...(Object.keys(requests).length > 0 && { requests }),
  };
}

function initContainer(settings: ProxySettings, annotations: Annotations, resources: object): ContainerSpec {
  const env = environmentOf(settings);
  const agentLevel = annotations['sidecar.istio.io/agentLogLevel'] ?? 'default:info';
  return {
    name: INIT_CONTAINER,
    image: imageOf({}, annotations),
    args: [...captureRules(annotations).args, `--log_output_level=${agentLevel}`],
    ...(env.length > 0 && { env }),
    resources,
    securityContext: {
      ...UNPRIVILEGED,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      readOnlyRootFilesystem: false,
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
    },
  };
}

interface Mounted {
  readonly mountPath: string;
  readonly volume: Volume;
}

/** Volumes of a sidecar, in the order in which they are mounted. */
const VOLUMES: readonly Mounted[] = [
  { mountPath: '/var/run/secrets/workload-spiffe-uds', volume: { name: 'workload-socket', emptyDir: {} } },
  { mountPath: '/var/run/secrets/credential-uds', volume: { name: 'credential-socket', emptyDir: {} } },
  { mountPath: '/var/run/secrets/workload-spiffe-credentials', volume: { name: 'workload-certs', emptyDir: {} } },
  {
    mountPath: '/var/run/secrets/istio',
    volume: { name: 'istiod-ca-cert', configMap: { name: 'istio-ca-root-cert' } },
  },
  {
    mountPath: '/var/run/secrets/istio/crl',
    volume: { name: 'istio-ca-crl', configMap: { name: 'istio-ca-crl', optional: true } },
  },
  { mountPath: '/var/lib/istio/data', volume: { name: 'istio-data', emptyDir: {} } },
  { mountPath: '/etc/istio/proxy', volume: { name: 'istio-envoy', emptyDir: { medium: 'Memory' } } },
  {
    mountPath: '/var/run/secrets/tokens',
    volume: {
      name: 'istio-token',
      projected: {
        sources: [{ serviceAccountToken: { audience: 'istio-ca', expirationSeconds: 43_200, path: 'istio-token' } }],
      },
    },
  },
  {
    mountPath: '/etc/istio/pod',
    volume: {
      name: 'istio-podinfo',
      downwardAPI: {
        items: ['labels', 'annotations'].map((path) => ({ path, fieldRef: { fieldPath: `metadata.${path}` } })),
      },
    },
  },
];

export const GATEWAY_VOLUMES = VOLUMES.filter(({ volume }) => volume.name !== 'istio-ca-crl');

export const mountsOf = (mounted: readonly Mounted[]): object[] =>
  mounted.map(({ mountPath, volume }) => ({ mountPath, name: volume.name }));

/** In the order of the pod's list. */
const ORDER = [
  ...['workload-socket', 'credential-socket', 'workload-certs', 'istio-envoy', 'istio-data', 'istio-podinfo'],
  ...['istio-token', 'istiod-ca-cert', 'istio-ca-crl'],
];

export const volumesOf = (mounted: readonly Mounted[]): Volume[] =>
  mounted.map(({ volume }) => volume).sort((a, b) => ORDER.indexOf(a.name) - ORDER.indexOf(b.name));
