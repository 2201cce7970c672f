import { isIP } from 'node:net';
import { parseArgs } from 'node:util';
import {
  buildResources,
  createObjectTables,
  createSnapshotDeriver,
  ISTIO_MESH_DEFAULTS,
  type MeshConfig,
} from '#control-plane';
import type { KubeObject } from '#domain';
import { istioVersion } from '#istio';
import { canonicalMessage, type ProxyNode } from '#xds';
import { type CliCommand, readFiles, UsageError } from './command.ts';
import { readMeshFile, readNetworksFile } from './mesh-file.ts';
import { readObjects } from './objects.ts';
import { completeEndpoints } from './pod-endpoints.ts';

const USAGE =
  'meshwork xds -f FILE… --proxy sidecar|router [--namespace NS] [--labels k=v,…] [--service-account SA] [--ip ADDR] [--mesh-config FILE] [--mesh-networks FILE]';

interface Request {
  readonly type: 'sidecar' | 'router';
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly serviceAccount: string | undefined;
  readonly ip: string | undefined;
}

/** Address of a proxy that no pod stands for. */
const NOBODYS_ADDRESS = '1.1.1.1';

/** `meshwork xds`: what a proxy would be sent for the objects in these files, as an Envoy config dump prints it. */
export const xdsCommand: CliCommand = {
  name: 'xds',
  summary: 'Prints the listeners, routes, clusters and endpoints that a proxy is sent for these objects.',
  usage: USAGE,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        file: { type: 'string', short: 'f', multiple: true },
        proxy: { type: 'string', default: 'sidecar' },
        namespace: { type: 'string', short: 'n', default: 'default' },
        labels: { type: 'string', short: 'l', default: '' },
        'service-account': { type: 'string' },
        ip: { type: 'string' },
        'mesh-config': { type: 'string' },
        'mesh-networks': { type: 'string' },
        output: { type: 'string', short: 'o', default: 'json' },
      },
    });
    if (!values.file?.length) throw new UsageError('name at least one file with -f');
    if (values.proxy !== 'sidecar' && values.proxy !== 'router') throw new UsageError('--proxy is sidecar or router');
    if (values.ip !== undefined && isIP(values.ip) === 0)
      throw new UsageError(`--ip takes an IP address, not "${values.ip}"`);
    if (values.output !== 'json') throw new UsageError('--output is json');
    const mesh =
      values['mesh-config'] === undefined ? ISTIO_MESH_DEFAULTS : await readMeshFile(values['mesh-config'], io);
    const given = completeEndpoints(readObjects(await readFiles(values.file, io), io));
    const networks = values['mesh-networks'];
    const objects =
      networks === undefined ? given : withMeshNetworks(given, mesh, await readNetworksFile(networks, io));
    const request: Request = {
      type: values.proxy,
      namespace: values.namespace,
      labels: readLabels(values.labels),
      serviceAccount: values['service-account'],
      ip: values.ip,
    };
    io.out(JSON.stringify(xdsFor(objects, request, mesh), undefined, 1));
    return 0;
  },
};

/** MeshNetworks stand where istiod reads them: in the ConfigMap `istio`, beside what it holds otherwise. */
function withMeshNetworks(objects: readonly KubeObject[], { rootNamespace }: MeshConfig, text: string): KubeObject[] {
  const isOurs = ({ kind, metadata }: KubeObject): boolean =>
    kind === 'ConfigMap' && metadata.name === 'istio' && metadata.namespace === rootNamespace;
  const present = objects.find(isOurs);
  const metadata = { name: 'istio', namespace: rootNamespace };
  const data = { ...(present?.['data'] as object | undefined), meshNetworks: text };
  return [...objects.filter((object) => object !== present), { apiVersion: 'v1', kind: 'ConfigMap', metadata, data }];
}

/** What the proxy is sent, made by the functions that push to running proxies. */
function xdsFor(objects: readonly KubeObject[], request: Request, mesh: MeshConfig): object {
  const tables = createObjectTables();
  // Only endpoints tell whom a service's clients expect: Deployments without pods serve nobody yet.
  for (const object of objects) if (object.kind !== 'Deployment') tables.apply('ADDED', object);
  const { listeners, routes, clusters, endpoints, extensions } = buildResources(
    createSnapshotDeriver(mesh)(tables),
    nodeFor(request, objects),
  );
  return {
    listeners: printed('envoy.config.listener.v3.Listener', listeners),
    routes: printed('envoy.config.route.v3.RouteConfiguration', routes),
    clusters: printed('envoy.config.cluster.v3.Cluster', clusters),
    endpoints: printed('envoy.config.endpoint.v3.ClusterLoadAssignment', endpoints),
    ...(extensions.length > 0 && { extensions: printed('envoy.config.core.v3.TypedExtensionConfig', extensions) }),
  };
}

/** As protobuf prints messages: without fields that have their default. */
const printed = (type: string, resources: readonly object[]): readonly object[] =>
  resources.map((resource) => canonicalMessage(type, JSON.parse(JSON.stringify(resource))) ?? resource);

interface PodShape extends KubeObject {
  readonly spec?: { readonly serviceAccountName?: string };
  readonly status?: { readonly podIP?: string };
}

/** The pod that carries the labels lends its address, name and account; without one the proxy stands for itself. */
function nodeFor({ type, namespace, labels, serviceAccount, ip }: Request, objects: readonly KubeObject[]): ProxyNode {
  const pods = objects.filter((object): object is PodShape => object.kind === 'Pod' && object.apiVersion === 'v1');
  const pod = pods.find(({ metadata, status }) => {
    if ((metadata.namespace ?? 'default') !== namespace) return false;
    if (ip !== undefined) return status?.podIP === ip;
    const own = metadata.labels ?? {};
    return Object.keys(labels).length > 0 && Object.entries(labels).every(([key, value]) => own[key] === value);
  });
  const name = pod?.metadata.name ?? 'proxy';
  const account = serviceAccount ?? pod?.spec?.serviceAccountName;
  return {
    id: `${type}~${ip ?? pod?.status?.podIP ?? NOBODYS_ADDRESS}~${name}.${namespace}~${namespace}.svc.cluster.local`,
    cluster: `${name}.${namespace}`,
    metadata: {
      NAMESPACE: namespace,
      LABELS: { ...pod?.metadata.labels, ...labels },
      ISTIO_VERSION: istioVersion,
      ...(account !== undefined && { SERVICE_ACCOUNT: account }),
    },
  };
}

function readLabels(text: string): Record<string, string> {
  const pairs = text.split(',').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=');
      if (equals <= 0) throw new UsageError(`--labels takes key=value pairs, not "${pair}"`);
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
