import type { MeshConfig } from '#control-plane';
import { createObjectTables, createSnapshotDeriver, createTranslator, DEFAULT_MESH_CONFIG } from '#control-plane';
import type { KubeObject } from '#domain';
import { pushOrder, type ResourceByType, type TypeUrl, typeUrls } from '#xds';
import type { CertificateSigner } from '../../server/data-plane/doors.ts';
import { type FakeXds, type Pod, startPod } from './data-plane-harness.ts';

/** A pod `web` in namespace default, whose sidecar holds what the control plane makes of these objects. */
export interface PolicedPod {
  readonly pod: Pod;
  /** Puts other objects in force, as an apply would. */
  apply(objects: readonly KubeObject[], mesh?: Partial<MeshConfig>): void;
}

export const HTTP_PORT = 8080;
export const TCP_PORT = 9000;
export const GRPC_PORT = 7070;

const web: KubeObject = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    clusterIP: '10.96.0.1',
    selector: { app: 'web' },
    ports: [
      { name: 'http', port: 80, targetPort: HTTP_PORT },
      { name: 'tcp', port: TCP_PORT, targetPort: TCP_PORT },
      { name: 'grpc', port: GRPC_PORT, targetPort: GRPC_PORT },
    ],
  },
};

/** A service with one endpoint that is no pod of the mesh. */
export const serviceAt = (name: string, ip: string, port: number, portName: string): KubeObject[] => [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default' },
    spec: { clusterIP: '10.96.0.9', ports: [{ name: portName, port, targetPort: port }] },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: 'default', labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: portName, port, protocol: 'TCP' }],
    endpoints: [{ addresses: [ip], conditions: { ready: true } }],
  },
];

export const policy = (name: string, spec: object, annotations?: Record<string, string>): KubeObject => ({
  apiVersion: 'security.istio.io/v1',
  kind: 'AuthorizationPolicy',
  metadata: { name, namespace: 'default', ...(annotations && { annotations }) },
  spec,
});

function resourcesFor(ip: string, objects: readonly KubeObject[], mesh: Partial<MeshConfig>) {
  const tables = createObjectTables();
  for (const object of [web, ...objects]) {
    const metadata = { creationTimestamp: '2026-01-01T00:00:00Z', ...object.metadata };
    tables.apply('ADDED', { ...object, metadata });
  }
  const snapshot = createSnapshotDeriver({ ...DEFAULT_MESH_CONFIG, ...mesh })(tables);
  return createTranslator().translate(snapshot, {
    id: `sidecar~${ip}~web-v1.default~default.svc.cluster.local`,
    cluster: 'web.default',
    metadata: { NAMESPACE: 'default', LABELS: { app: 'web', version: 'v1' } },
    userAgent: 'meshwork',
  }).resources;
}

export async function startPoliced(options: {
  readonly ip: string;
  readonly signer: CertificateSigner;
  readonly objects?: readonly KubeObject[];
  readonly mesh?: Partial<MeshConfig>;
}): Promise<PolicedPod> {
  const { ip, signer } = options;
  const push = (xds: FakeXds, objects: readonly KubeObject[], mesh: Partial<MeshConfig>): void => {
    const resources = resourcesFor(ip, objects, mesh);
    const send = <Url extends TypeUrl>(typeUrl: Url): void => {
      const decoded = [...(resources.get(typeUrl)?.values() ?? [])].map(({ json }) => json as ResourceByType[Url]);
      const [refused] = xds.push(typeUrl, decoded);
      if (refused !== undefined) throw new Error(`${refused.name}: ${refused.message}`);
    };
    for (const typeUrl of pushOrder.filter((each) => each !== typeUrls.secret)) send(typeUrl);
  };
  const pod = await startPod({ ip, name: 'web-v1', ports: [HTTP_PORT, TCP_PORT, GRPC_PORT], signer }, (xds) =>
    push(xds, options.objects ?? [], options.mesh ?? {}),
  );
  await pod.app(HTTP_PORT, (request, response) => {
    response.end(JSON.stringify({ url: request.url, headers: request.headers }));
  });
  return { pod, apply: (objects, mesh = {}) => push(pod.xds, objects, mesh) };
}
