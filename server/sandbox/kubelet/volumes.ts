import type { KubeStore } from '#kube-api';
import type { MountedFiles } from '../exec/container-files.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { searchList } from '../network/dns.ts';
import { configMapFiles, type Files, podField, secretFiles } from './references.ts';

interface KeyToPath {
  readonly key: string;
  readonly path: string;
}

interface Source {
  readonly configMap?: { readonly name?: string; readonly items?: readonly KeyToPath[]; readonly optional?: boolean };
  readonly secret?: {
    readonly secretName?: string;
    readonly name?: string;
    readonly items?: readonly KeyToPath[];
    readonly optional?: boolean;
  };
  readonly downwardAPI?: {
    readonly items?: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[];
  };
  readonly serviceAccountToken?: { readonly path: string; readonly audience?: string };
}

interface Volume extends Source {
  readonly name: string;
  readonly projected?: { readonly sources?: readonly Source[] };
}

interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
}

interface Mount extends VolumeMount {
  readonly volume: Volume;
}

const ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface VolumeOptions {
  readonly store: KubeStore;
  readonly pod: PodObject;
  readonly podIp: string;
  readonly hostIp: string;
  /** The pod's service account token for an audience; absent: for the API server. */
  readonly token: (audience: string | undefined) => string;
  /** PEM of the cluster's CA. */
  readonly clusterCa: string;
}

/** What a container finds mounted. Read afresh each time: a changed ConfigMap or Secret shows in running pods. */
export function containerMounts(options: VolumeOptions, container: ContainerSpec): MountedFiles {
  const volumes = (options.pod.spec['volumes'] ?? []) as readonly Volume[];
  const mounts = ((container['volumeMounts'] ?? []) as readonly VolumeMount[]).flatMap((mount): Mount[] => {
    const volume = volumes.find(({ name }) => name === mount.name);
    return volume === undefined ? [] : [{ ...mount, mountPath: mount.mountPath.replace(/\/$/, ''), volume }];
  });
  const mounted = (wanted: readonly Mount[]): Map<string, Buffer> => {
    const files = new Map<string, Buffer>();
    for (const { mountPath, subPath, volume } of wanted) {
      for (const [path, bytes] of filesOf(volume, options)) {
        if (subPath === undefined) files.set(`${mountPath}/${path}`, bytes);
        else if (path === subPath) files.set(mountPath, bytes);
      }
    }
    return files;
  };
  const holds = (path: string, { mountPath }: Mount): boolean => path === mountPath || path.startsWith(`${mountPath}/`);
  return {
    // Only where it may lie: some files, as tokens, are made when they are read.
    read: (path) => mounted(mounts.filter((mount) => holds(path, mount))).get(path) ?? systemFiles(options).get(path),
    list: () => [...new Set([...systemFiles(options).keys(), ...mounted(mounts).keys()])],
  };
}

/** Why a volume cannot be mounted yet, in the kubelet's words; undefined when all can. */
export function missingVolume({ store, pod }: Pick<VolumeOptions, 'store' | 'pod'>): string | undefined {
  const namespace = pod.metadata.namespace ?? '';
  for (const { name, projected, ...source } of (pod.spec['volumes'] ?? []) as readonly Volume[]) {
    for (const { configMap, secret } of [source, ...(projected?.sources ?? [])]) {
      const wanted = [
        { kind: 'ConfigMap', word: 'configmap', name: configMap?.name, optional: configMap?.optional },
        { kind: 'Secret', word: 'secret', name: secret?.secretName ?? secret?.name, optional: secret?.optional },
      ];
      const lost = wanted.find(
        (each) =>
          each.name !== undefined &&
          each.optional !== true &&
          // istiod writes it into each namespace soon after its start; the sandbox's proxies do not wait for it.
          each.name !== 'istio-ca-root-cert' &&
          store.get(each.kind, { namespace, name: each.name }) === undefined,
      );
      if (lost !== undefined)
        return `MountVolume.SetUp failed for volume "${name}" : ${lost.word} "${lost.name}" not found`;
    }
  }
  return undefined;
}

function systemFiles({ pod, podIp, token, clusterCa }: VolumeOptions): Map<string, Buffer> {
  const namespace = pod.metadata.namespace ?? '';
  const files = new Map<string, Buffer>([
    ['/etc/hostname', Buffer.from(`${pod.metadata.name}\n`)],
    ['/etc/hosts', Buffer.from(`127.0.0.1\tlocalhost\n${podIp}\t${pod.metadata.name}\n`)],
    [
      '/etc/resolv.conf',
      Buffer.from(`search ${searchList(namespace).join(' ')}\nnameserver 10.96.0.10\noptions ndots:5\n`),
    ],
  ]);
  if (pod.spec['automountServiceAccountToken'] !== false) {
    files.set(`${ACCOUNT_FOLDER}/namespace`, Buffer.from(namespace));
    files.set(`${ACCOUNT_FOLDER}/ca.crt`, Buffer.from(clusterCa));
    files.set(`${ACCOUNT_FOLDER}/token`, Buffer.from(token(undefined)));
  }
  return files;
}

function filesOf(volume: Volume, options: VolumeOptions): Files {
  const sources = volume.projected?.sources ?? [volume];
  return new Map(sources.flatMap((source) => [...filesOfSource(source, options)]));
}

function filesOfSource({ configMap, secret, downwardAPI, serviceAccountToken }: Source, options: VolumeOptions): Files {
  const { store, pod, podIp, hostIp, token } = options;
  const namespace = pod.metadata.namespace ?? '';
  if (configMap?.name !== undefined) {
    return chosen(configMapFiles(store.get('ConfigMap', { namespace, name: configMap.name })), configMap.items);
  }
  const secretName = secret?.secretName ?? secret?.name;
  if (secretName !== undefined) {
    return chosen(secretFiles(store.get('Secret', { namespace, name: secretName })), secret?.items);
  }
  if (serviceAccountToken !== undefined) {
    return new Map([[serviceAccountToken.path, Buffer.from(token(serviceAccountToken.audience))]]);
  }
  const items = downwardAPI?.items ?? [];
  return new Map(
    items.map(({ path, fieldRef }) => [
      path,
      Buffer.from(downwardText(pod, fieldRef?.fieldPath ?? '', { podIp, hostIp })),
    ]),
  );
}

/** `metadata.labels` as a whole is one `key="value"` a line. */
function downwardText(pod: PodObject, path: string, ips: { podIp: string; hostIp: string }): string {
  const [, map] = /^metadata\.(labels|annotations)$/.exec(path) ?? [];
  if (map === undefined) return podField(pod, path, ips);
  const pairs = Object.entries(pod.metadata[map as 'labels' | 'annotations'] ?? {});
  return pairs.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join('\n');
}

const chosen = (files: Files, items: readonly KeyToPath[] | undefined): Files =>
  items === undefined
    ? files
    : new Map(items.flatMap(({ key, path }) => (files.has(key) ? [[path, files.get(key) as Buffer]] : [])));
