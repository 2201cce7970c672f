import type { KubeObject } from '#domain';

/** What an installation of Istio has beside its control plane: where manifests alone are read, their author counts on it. */
const GATEWAYS = [
  { name: 'istio-ingressgateway', label: 'ingressgateway' },
  { name: 'istio-egressgateway', label: 'egressgateway' },
];

const PORTS = [
  { name: 'http2', port: 80, protocol: 'TCP', targetPort: 8080 },
  { name: 'https', port: 443, protocol: 'TCP', targetPort: 8443 },
  { name: 'tcp', port: 31400, protocol: 'TCP', targetPort: 31400 },
  { name: 'tls', port: 15443, protocol: 'TCP', targetPort: 15443 },
];

function gateway({ name, label }: (typeof GATEWAYS)[number]): KubeObject[] {
  const labels = { istio: label, app: name };
  const metadata = { name, namespace: 'istio-system', labels };
  return [
    { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [{ name: 'istio-proxy', image: 'proxyv2' }] } },
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: labels, ports: PORTS } },
  ];
}

/** Pods and Services of Istio's own gateways. */
export const assumedGateways = (): KubeObject[] => GATEWAYS.flatMap(gateway);
