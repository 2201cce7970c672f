import type { KubeObject } from '#domain';
import { istioVersion, parseKubernetesYaml, writeKubernetesYaml } from '#istio';
import type { EnvVar } from '../kube-types.ts';

export const nodeName = 'meshwork';
export const rootNamespace = 'istio-system';
export const proxyImage = `registry.istio.io/release/proxyv2:${istioVersion}`;
export const pilotImage = `registry.istio.io/release/pilot:${istioVersion}`;
export const xdsPort = 15010;
/** Where istiod's webhooks listen. */
export const webhookPort = 15017;
export const istiodSelector = { app: 'istiod' } as const;
export const gatewaySelector = { istio: 'ingressgateway' } as const;

/** Where Prometheus finds the figures of a proxy and of its agent. */
export const scrapedAtTheAgent = {
  'prometheus.io/path': '/stats/prometheus',
  'prometheus.io/port': '15020',
  'prometheus.io/scrape': 'true',
} as const;

// Names of ports are Istio's. Proxies speak HTTP/1.1 to upstream hosts, so appProtocol overrides what `http2` and `grpc` would ask for.
const namespace = rootNamespace;

export const systemNamespaces: readonly KubeObject[] = ['default', 'kube-system', rootNamespace].map((name) => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name, labels: { 'kubernetes.io/metadata.name': name } },
}));

const capacity = { cpu: '8', memory: '16Gi', pods: '1000' };
const nodeInfo = {
  architecture: 'amd64',
  operatingSystem: 'linux',
  osImage: 'Meshwork',
  kernelVersion: 'loopback',
  containerRuntimeVersion: 'meshwork://1',
  kubeletVersion: 'v1.32.0',
  kubeProxyVersion: 'v1.32.0',
  machineID: nodeName,
  systemUUID: nodeName,
  bootID: nodeName,
};

/** The one machine of the cluster. */
export const nodeObject = (ip: string, sinceMs: number): KubeObject => {
  const at = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: nodeName,
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': nodeName,
        'kubernetes.io/os': 'linux',
        'node-role.kubernetes.io/control-plane': '',
      },
    },
    spec: {},
    status: {
      capacity,
      allocatable: capacity,
      nodeInfo,
      conditions: [ready],
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: nodeName },
      ],
    },
  };
};

/** MeshConfig where nothing else is asked for: Istio's defaults, with access logs and tracing on. */
const baseMeshConfig = {
  accessLogFile: '/dev/stdout',
  enableTracing: true,
  rootNamespace,
  trustDomain: 'cluster.local',
} as const;

/** As Istio's chart writes it. */
const defaultProviders = { metrics: ['prometheus'] } as const;

/** The ConfigMap that istiod reads MeshConfig from; `overlay` is YAML whose fields win. */
export function meshConfigMap(overlay?: string): KubeObject {
  const given = (overlay === undefined ? {} : parseKubernetesYaml(overlay)) as { defaultProviders?: object } | null;
  const providers = { ...defaultProviders, ...given?.defaultProviders };
  const mesh = writeKubernetesYaml({ ...baseMeshConfig, ...given, defaultProviders: providers });
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'istio', namespace, labels: { 'istio.io/rev': 'default' } },
    data: { mesh },
  };
}

/** Control plane: account, Service and Deployment. Two istiods at once would hold one address: hence Recreate. */
export const istiodObjects: readonly KubeObject[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'istiod', namespace, labels: { app: 'istiod' } } },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istiod', namespace, labels: { app: 'istiod', istio: 'pilot' } },
    spec: {
      type: 'ClusterIP',
      selector: istiodSelector,
      ports: [
        { name: 'grpc-xds', port: xdsPort, targetPort: xdsPort, protocol: 'TCP', appProtocol: 'tcp' },
        { name: 'https-dns', port: 15012, targetPort: 15012, protocol: 'TCP' },
        { name: 'https-webhook', port: 443, targetPort: webhookPort, protocol: 'TCP' },
        { name: 'http-monitoring', port: 15014, targetPort: 15014, protocol: 'TCP' },
      ],
    },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istiod', namespace, labels: { app: 'istiod', istio: 'pilot' } },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: istiodSelector },
      template: {
        metadata: {
          labels: { app: 'istiod', istio: 'pilot', 'istio.io/rev': 'default', 'sidecar.istio.io/inject': 'false' },
          annotations: { 'prometheus.io/port': '15014', 'prometheus.io/scrape': 'true' },
        },
        spec: {
          serviceAccountName: 'istiod',
          containers: [
            {
              name: 'discovery',
              image: pilotImage,
              args: ['discovery', '--monitoringAddr=:15014', '--domain', 'cluster.local'],
              ports: [
                { name: 'grpc-xds', containerPort: xdsPort, protocol: 'TCP' },
                { name: 'tls-xds', containerPort: 15012, protocol: 'TCP' },
                { name: 'https-webhooks', containerPort: webhookPort, protocol: 'TCP' },
                { name: 'monitoring', containerPort: 15014, protocol: 'TCP' },
                { name: 'http-debug', containerPort: 8080, protocol: 'TCP' },
              ],
            },
          ],
        },
      },
    },
  },
];

const field = (name: string, fieldPath: string): EnvVar => ({ name, valueFrom: { fieldRef: { fieldPath } } });

/** Of the gateway's container, in the order of Istio's chart. Source: manifests/charts/gateways/istio-ingress of istio. */
const gatewayEnvironment: readonly EnvVar[] = [
  { name: 'PILOT_CERT_PROVIDER', value: 'istiod' },
  { name: 'CA_ADDR', value: `istiod.${namespace}.svc:15012` },
  field('NODE_NAME', 'spec.nodeName'),
  field('POD_NAME', 'metadata.name'),
  field('POD_NAMESPACE', 'metadata.namespace'),
  field('INSTANCE_IP', 'status.podIP'),
  field('HOST_IP', 'status.hostIP'),
  { name: 'ISTIO_CPU_LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1' } } },
  field('SERVICE_ACCOUNT', 'spec.serviceAccountName'),
  { name: 'ISTIO_META_WORKLOAD_NAME', value: 'istio-ingressgateway' },
  {
    name: 'ISTIO_META_OWNER',
    value: `kubernetes://apis/apps/v1/namespaces/${namespace}/deployments/istio-ingressgateway`,
  },
  { name: 'ISTIO_META_CLUSTER_ID', value: 'Kubernetes' },
  field('ISTIO_META_NODE_NAME', 'spec.nodeName'),
];

/** The ingress gateway: a router proxy behind a Service of type LoadBalancer. */
export const gatewayObjects: readonly KubeObject[] = [
  {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'istio-ingressgateway-service-account', namespace, labels: { app: 'istio-ingressgateway' } },
  },
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'istio-ingressgateway', namespace, labels: { app: 'istio-ingressgateway', ...gatewaySelector } },
    spec: {
      type: 'LoadBalancer',
      selector: { app: 'istio-ingressgateway', ...gatewaySelector },
      ports: [
        { name: 'status-port', port: 15021, targetPort: 15021, protocol: 'TCP' },
        { name: 'http2', port: 80, targetPort: 8080, protocol: 'TCP', appProtocol: 'http' },
        { name: 'https', port: 443, targetPort: 8443, protocol: 'TCP' },
        { name: 'tcp', port: 31400, targetPort: 31400, protocol: 'TCP' },
        { name: 'tls', port: 15443, targetPort: 15443, protocol: 'TCP' },
      ],
    },
  },
  {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'istio-ingressgateway', namespace, labels: { app: 'istio-ingressgateway', ...gatewaySelector } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'istio-ingressgateway', ...gatewaySelector } },
      template: {
        metadata: {
          labels: {
            app: 'istio-ingressgateway',
            ...gatewaySelector,
            'service.istio.io/canonical-name': 'istio-ingressgateway',
            'service.istio.io/canonical-revision': 'latest',
            'sidecar.istio.io/inject': 'false',
          },
          annotations: scrapedAtTheAgent,
        },
        spec: {
          serviceAccountName: 'istio-ingressgateway-service-account',
          containers: [
            {
              name: 'istio-proxy',
              image: proxyImage,
              args: ['proxy', 'router', '--domain', '$(POD_NAMESPACE).svc.cluster.local', '--proxyLogLevel=warning'],
              ports: [
                { containerPort: 15021, protocol: 'TCP' },
                { containerPort: 8080, protocol: 'TCP' },
                { containerPort: 8443, protocol: 'TCP' },
                { name: 'http-envoy-prom', containerPort: 15090, protocol: 'TCP' },
              ],
              env: gatewayEnvironment,
              resources: {
                limits: { cpu: '2', memory: '1Gi' },
                requests: { cpu: '100m', memory: '128Mi' },
              },
            },
          ],
        },
      },
    },
  },
];
