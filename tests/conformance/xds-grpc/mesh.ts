import type { KubeObject } from '#domain';
import { parseDocuments } from '../../golden/translate/mesh.ts';
import type { GrpcBackend } from './grpc-peers.ts';

/** The service of the tests as clients dial it. */
export const REVIEWS = 'xds:///reviews.default.svc.cluster.local:9080';

/**
 * One pod of the service `reviews` for each backend, with the backend's name as its version and `reviews` as its account. The first one's port
 * is the service's target port.
 */
export const reviewsOf = (...backends: readonly GrpcBackend[]): KubeObject[] =>
  parseDocuments(
    `
apiVersion: v1
kind: Service
metadata: { name: reviews, namespace: default }
spec: { clusterIP: 127.8.200.2, selector: { app: reviews }, ports: [{ name: grpc, port: 9080, targetPort: ${backends[0]?.port ?? 9080} }] }
${backends.map(podOf).join('')}
---
${destinationRule()}`,
  ) as KubeObject[];

const podOf = ({ name, address, port }: GrpcBackend): string => `
---
apiVersion: v1
kind: Pod
metadata: { name: reviews-${name}, namespace: default, labels: { app: reviews, version: ${name} } }
spec: { serviceAccountName: reviews, containers: [{ name: reviews, image: reviews }] }
status: { phase: Running, podIP: ${address} }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: reviews-${name}, namespace: default, labels: { kubernetes.io/service-name: reviews } }
addressType: IPv4
ports: [{ name: grpc, port: ${port} }]
endpoints:
  - { addresses: [${address}], conditions: { ready: true }, targetRef: { kind: Pod, name: reviews-${name}, namespace: default } }
`;

/** The rule of the service, with two subsets and this policy (fields in one line of YAML). */
export const destinationRule = (policy?: string): string => `
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: { name: reviews, namespace: default }
spec:
  host: reviews
${policy === undefined ? '' : `  trafficPolicy: { ${policy} }`}
  subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]
`;

/** A VirtualService of the service with these rules (`http`, indented by two). */
export const virtualService = (http: string): string => `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: reviews, namespace: default }
spec:
  hosts: [reviews]
  http:
${http}
`;

export const objectOf = (yaml: string): KubeObject => parseDocuments(yaml)[0] as KubeObject;
