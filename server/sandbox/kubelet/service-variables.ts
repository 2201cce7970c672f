import type { KubeStore } from '#kube-api';
import type { PodObject, ServiceObject } from '../kube-types.ts';

/** The API's own Service, which every pod is told of. */
const API = { namespace: 'default', name: 'kubernetes' } as const;

/**
 * What a container is told of the Services that have an address at this moment: the API's, and those of its own namespace unless the pod's
 * `enableServiceLinks` says no. Sources: getServiceEnvVarMap in Kubernetes' pkg/kubelet/kubelet_pods.go, pkg/kubelet/envvars.
 */
export function serviceVariables(store: KubeStore, { metadata, spec }: PodObject): Record<string, string> {
  const { namespace = '' } = metadata;
  const own = spec['enableServiceLinks'] === false ? [] : (store.list('Service', { namespace }) as ServiceObject[]);
  const api = own.some(({ metadata: { name } }) => name === API.name) ? undefined : store.get('Service', API);
  const known = api === undefined ? own : [...own, api as ServiceObject];
  return Object.fromEntries(known.flatMap(variablesOf));
}

function variablesOf({ metadata: { name }, spec: { clusterIP, ports = [] } }: ServiceObject): [string, string][] {
  const [first] = ports;
  if (clusterIP === undefined || clusterIP === '' || clusterIP === 'None' || first === undefined) return [];
  const prefix = variableName(name);
  return [
    [`${prefix}_SERVICE_HOST`, clusterIP],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports.flatMap((port): [string, string][] =>
      port.name ? [[`${prefix}_SERVICE_PORT_${variableName(port.name)}`, String(port.port)]] : [],
    ),
    [`${prefix}_PORT`, addressOf(clusterIP, first)],
    ...ports.flatMap((port): [string, string][] => {
      const { protocol = 'TCP' } = port;
      const link = `${prefix}_PORT_${port.port}_${protocol}`;
      return [
        [link, addressOf(clusterIP, port)],
        [`${link}_PROTO`, protocol.toLowerCase()],
        [`${link}_PORT`, String(port.port)],
        [`${link}_ADDR`, clusterIP],
      ];
    }),
  ];
}

interface Port {
  readonly port: number;
  readonly protocol?: string;
}

/** As links of Docker were written: `tcp://10.96.0.1:443`. */
const addressOf = (ip: string, { port, protocol = 'TCP' }: Port): string =>
  `${protocol.toLowerCase()}://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;

const variableName = (name: string): string => name.replaceAll('-', '_').toUpperCase();
