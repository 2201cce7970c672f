import type { KubeObject } from '#domain';
import type { ContainerSpec, EnvVar, PodObject } from '../kube-types.ts';
import { injectedEnvironment } from './injected-environment.ts';
import { GATEWAY_SECURITY, GATEWAY_VOLUMES, mountsOf, PROXY_RESOURCES, volumesOf } from './injection-template.ts';
import { imageOfType, type ProxySettings } from './proxy-config.ts';
import { proxyImage, scrapedAtTheAgent } from './system.ts';

export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
export const MANAGED_LABEL = 'gateway.istio.io/managed';
const CLASS_LABEL = 'gateway.networking.k8s.io/gateway-class-name';
const MANAGED_BY = 'istio.io-gateway-controller';
const MAX_PORT_NAME = 63;

export interface Listener {
  readonly name: string;
  readonly port: number;
  readonly protocol: string;
}

export interface GatewaySpec {
  readonly gatewayClassName?: string;
  readonly listeners?: readonly Listener[];
  readonly addresses?: readonly { readonly type?: string; readonly value?: string }[];
  readonly infrastructure?: {
    readonly labels?: Metadata;
    readonly annotations?: Metadata;
    readonly parametersRef?: { readonly group: string; readonly kind: string; readonly name: string };
  };
}

export interface GatewayTemplateInput {
  readonly gateway: KubeObject<GatewaySpec>;
  /** The Gateway's own, and those of its ListenerSets. */
  readonly listeners: readonly Listener[];
  readonly settings: ProxySettings;
  readonly trustDomain: string;
}

type Metadata = Readonly<Record<string, string>>;

interface Names {
  readonly deployment: string;
  readonly account: string;
}

/** The objects of one Gateway's proxy, before anybody's patches. Source: kube-gateway.yaml of istio. */
export function gatewayTemplate(input: GatewayTemplateInput): KubeObject[] {
  const { gateway, listeners } = input;
  const { name, namespace = '', uid = '', annotations = {} } = gateway.metadata;
  const byDefault = `${name}-${gateway.spec?.gatewayClassName ?? 'istio'}`;
  const names = {
    deployment: annotations['gateway.istio.io/name-override'] ?? byDefault,
    account: annotations['gateway.istio.io/service-account'] ?? byDefault,
  };
  const metadata = {
    name: names.deployment,
    namespace,
    annotations: annotationsOf(gateway),
    labels: labelsOf(gateway),
    ownerReferences: [{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', name, uid }],
  };
  const selector = { [GATEWAY_NAME_LABEL]: name };
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { ...metadata, name: names.account } },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: { selector: { matchLabels: selector }, template: podTemplate(input, names) },
    },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: serviceSpec(gateway, listeners) },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata,
      spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: names.deployment }, maxReplicas: 1 },
    },
    { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata, spec: { selector: { matchLabels: selector } } },
  ];
}

/** Infrastructure's where it has any, else the Gateway's own. */
function labelsOf({ metadata, spec }: KubeObject<GatewaySpec>): Metadata {
  return {
    ...(withoutReserved(spec?.infrastructure?.labels) ?? metadata.labels),
    [GATEWAY_NAME_LABEL]: metadata.name,
    [CLASS_LABEL]: spec?.gatewayClassName ?? 'istio',
    [MANAGED_LABEL]: MANAGED_BY,
  };
}

/** Annotations that speak of the Gateway itself. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'gateway.istio.io/name-override',
  'gateway.istio.io/service-account',
  'gateway.istio.io/controller-version',
]);

function annotationsOf({ metadata, spec }: KubeObject<GatewaySpec>): Metadata {
  const given = withoutReserved(spec?.infrastructure?.annotations) ?? metadata.annotations ?? {};
  return Object.fromEntries(Object.entries(given).filter(([name]) => !OWN_ANNOTATIONS.has(name)));
}

const withoutReserved = (given: Metadata | undefined): Metadata | undefined =>
  given && Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('gateway.networking.k8s.io/')));

function podTemplate(input: GatewayTemplateInput, names: Names): PodObject {
  const { gateway } = input;
  return {
    metadata: {
      annotations: {
        ...annotationsOf(gateway),
        'istio.io/rev': 'default',
        ...scrapedAtTheAgent,
      },
      labels: {
        'sidecar.istio.io/inject': 'false',
        'service.istio.io/canonical-name': names.deployment,
        'service.istio.io/canonical-revision': 'latest',
        ...labelsOf(gateway),
      },
    },
    spec: {
      securityContext: GATEWAY_SECURITY,
      serviceAccountName: names.account,
      containers: [routerContainer(input, names)],
      volumes: volumesOf(GATEWAY_VOLUMES),
    },
  } as unknown as PodObject;
}

function routerContainer({ gateway, settings, trustDomain }: GatewayTemplateInput, names: Names): ContainerSpec {
  const { annotations = {} } = gateway.metadata;
  return {
    name: 'istio-proxy',
    image: imageOfType(proxyImage, settings, annotations),
    args: [
      ...['proxy', 'router', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel', 'warning'],
      ...['--proxyComponentLogLevel', 'misc:error', '--log_output_level', 'default:info'],
    ],
    ports: [
      { name: 'metrics', containerPort: 15020, protocol: 'TCP' },
      { name: 'status-port', containerPort: 15021, protocol: 'TCP' },
      { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' },
    ],
    env: environment({ gateway, names, settings, trustDomain }),
    startupProbe: { ...READY, failureThreshold: 30, initialDelaySeconds: 1, periodSeconds: 1 },
    readinessProbe: { ...READY, failureThreshold: 4, periodSeconds: 15 },
    resources: PROXY_RESOURCES,
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 1337,
      runAsNonRoot: true,
      runAsUser: 1337,
    },
    volumeMounts: mountsOf(GATEWAY_VOLUMES),
  };
}

const READY = {
  httpGet: { path: '/healthz/ready', port: 15021, scheme: 'HTTP' },
  successThreshold: 1,
  timeoutSeconds: 1,
};

/** As of an injected proxy whose pod has no other container. */
function environment({
  gateway,
  names,
  settings,
  trustDomain,
}: {
  readonly gateway: KubeObject;
  readonly names: Names;
  readonly settings: ProxySettings;
  readonly trustDomain: string;
}): EnvVar[] {
  const controller = { apiVersion: 'apps/v1', kind: 'Deployment', name: names.deployment, uid: '', controller: true };
  const { namespace = '' } = gateway.metadata;
  const pod: PodObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: names.deployment, namespace, ownerReferences: [controller] },
    spec: { containers: [] },
  };
  return injectedEnvironment({ pod, settings, trustDomain, role: 'sidecar' }).map((variable) =>
    variable.name === 'ISTIO_META_POD_PORTS' ? { ...variable, value: '[]' } : variable,
  );
}

function serviceSpec(gateway: KubeObject<GatewaySpec>, listeners: readonly Listener[]): object {
  const type = gateway.metadata.annotations?.['networking.istio.io/service-type'] ?? 'LoadBalancer';
  const [address] = gateway.spec?.addresses ?? [];
  return {
    ipFamilyPolicy: 'PreferDualStack',
    ports: servicePorts(listeners),
    selector: { [GATEWAY_NAME_LABEL]: gateway.metadata.name },
    ...(address?.value !== undefined && type === 'LoadBalancer' ? { loadBalancerIP: address.value } : {}),
    type,
  };
}

/** One Service port for each port that a listener names, after the status port. */
function servicePorts(listeners: readonly Listener[]): object[] {
  const names = new Set(['status-port']);
  const numbers = new Set<number>();
  const ports: object[] = [
    { name: 'status-port', port: 15021, targetPort: 15021, protocol: 'TCP', appProtocol: 'tcp' },
  ];
  for (const { name, port, protocol } of listeners) {
    if (numbers.has(port)) continue;
    numbers.add(port);
    const unique = uniqueName(name.replaceAll('.', '-').slice(0, MAX_PORT_NAME), port, names);
    ports.push({ name: unique, port, targetPort: port, protocol: 'TCP', appProtocol: protocol.toLowerCase() });
  }
  return ports;
}

function uniqueName(name: string, port: number, used: Set<string>): string {
  let candidate = name;
  for (let suffix = `-${port}`; used.has(candidate); suffix += 'x') {
    candidate = name.slice(0, MAX_PORT_NAME - suffix.length) + suffix;
  }
  used.add(candidate);
  return candidate;
}
