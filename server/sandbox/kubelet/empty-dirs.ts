import type { Clock, Timer } from '#domain';
import { type FolderMount, SharedFolder } from '../exec/shared-folder.ts';
import type { ContainerSpec, PodObject } from '../kube-types.ts';
import { quantityOf } from './resource-field.ts';

/** How often the kubelet looks at what pods use. */
const LOOK_MS = 10_000;

interface Volume {
  readonly name: string;
  readonly emptyDir?: { readonly medium?: string; readonly sizeLimit?: string | number };
}

interface VolumeMount {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

/** The pod's volumes of type emptyDir: they live as long as the pod, whatever becomes of its containers. */
export interface EmptyDirs {
  readonly folders: ReadonlyMap<string, SharedFolder>;
  /** The pod is gone: nobody looks any more. */
  stop(): void;
}

/**
 * One in memory takes no more than its `sizeLimit`. Of one on disk that holds more when the kubelet looks, `onExceeded` is told in the
 * kubelet's words. Source: localStorageEviction in Kubernetes' pkg/kubelet/eviction.
 */
export function createEmptyDirs(
  { spec }: PodObject,
  { clock, onExceeded }: { readonly clock: Clock; readonly onExceeded: (message: string) => void },
): EmptyDirs {
  const volumes = (spec['volumes'] ?? []) as readonly Volume[];
  const looks = new Map<string, Timer>();
  const folderOf = ({ name, emptyDir }: Volume): SharedFolder => {
    const { medium, sizeLimit = 0 } = emptyDir ?? {};
    const limitBytes = quantityOf(sizeLimit) || undefined;
    if (limitBytes === undefined) return new SharedFolder();
    if (medium === 'Memory') return new SharedFolder({ limitBytes });
    const look = (): void => {
      looks.delete(name);
      if (folder.usedBytes > limitBytes)
        onExceeded(`Usage of EmptyDir volume "${name}" exceeds the limit "${sizeLimit}". `);
    };
    const onUsed = (bytes: number): void => {
      if (bytes > limitBytes && !looks.has(name)) looks.set(name, clock.after(LOOK_MS, look));
    };
    const folder = new SharedFolder({ onUsed });
    return folder;
  };
  return {
    folders: new Map(volumes.filter(({ emptyDir }) => emptyDir).map((volume) => [volume.name, folderOf(volume)])),
    stop: () => {
      for (const timer of looks.values()) timer.cancel();
    },
  };
}

/** Where a container finds them. */
export function emptyDirMounts({ folders }: EmptyDirs, container: ContainerSpec): FolderMount[] {
  return ((container['volumeMounts'] ?? []) as readonly VolumeMount[]).flatMap(
    ({ name, mountPath, subPath = '', readOnly = false }): FolderMount[] => {
      const folder = folders.get(name);
      if (folder === undefined) return [];
      return [{ folder, mountPath: trimmed(mountPath), subPath: trimmed(subPath), readOnly }];
    },
  );
}

const trimmed = (path: string): string => path.replace(/\/+$/, '');
