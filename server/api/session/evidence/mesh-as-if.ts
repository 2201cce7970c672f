import type { KubeObject, Origin, SourceLocation } from '#domain';
import { parseManifests } from '#istio';
import type { KubeStore } from '#kube-api';
import type { ManifestFile } from '#sandbox';
import { storeKind } from '../journal.ts';

/** What the store would hold if these files were applied. Nothing is stored. */
export interface MeshAsIf {
  readonly objects: readonly KubeObject[];
  /** The objects of the files, each with what became of it. */
  readonly written: readonly { readonly object: KubeObject; readonly before: KubeObject | undefined }[];
  readonly locate: (origin: Origin) => SourceLocation | undefined;
  /** What of the text could not be read, in words. */
  readonly notes: readonly string[];
}

type Locate = MeshAsIf['locate'];

const keyOf = ({ apiVersion, kind, metadata }: KubeObject): string =>
  `${apiVersion.split('/')[0]?.includes('.') ? apiVersion.split('/')[0] : ''}/${kind}/${metadata.namespace ?? ''}/${metadata.name}`;

/** All objects that the store holds, without events, which decide nothing. */
export function presentObjects(store: KubeStore): KubeObject[] {
  return store.kinds.all
    .filter(({ kind }) => kind !== 'Event')
    .flatMap(({ kind, group }) => store.list(group === '' ? kind : `${kind}.${group}`));
}

export function meshAsIf(
  store: KubeStore,
  files: readonly ManifestFile[],
  options: { readonly namespace: string; readonly locate: Locate },
): MeshAsIf {
  const { documents, diagnostics } = parseManifests(files);
  const notes = diagnostics.map(({ message, location }) =>
    location ? `${location.file}:${location.line}: ${message}` : message,
  );
  const objects = new Map(presentObjects(store).map((object) => [keyOf(object), object]));
  const places = new Map<string, (typeof documents)[number]>();
  const written: { object: KubeObject; before: KubeObject | undefined }[] = [];
  for (const document of documents) {
    const found = store.kinds.find(storeKind(document.object));
    if (found === undefined) {
      notes.push(`${document.object.kind} ${document.object.metadata.name} is of a kind that nobody here knows`);
      continue;
    }
    const { metadata } = document.object;
    const namespace = found.namespaced ? (metadata.namespace ?? options.namespace) : undefined;
    const plain = { ...document.object, metadata: { ...metadata, ...(namespace !== undefined && { namespace }) } };
    const key = keyOf(plain);
    const before = objects.get(key);
    const created = before?.metadata.creationTimestamp;
    const object = {
      ...plain,
      metadata: { ...plain.metadata, ...(created !== undefined && { creationTimestamp: created }) },
    };
    objects.set(key, object);
    places.set(placeKey(object.kind, namespace ?? '', metadata.name), document);
    written.push({ object, before });
  }
  return {
    objects: [...objects.values()],
    written,
    locate: (origin) =>
      places.get(placeKey(origin.kind, origin.namespace, origin.name))?.locateKey(origin.path) ??
      options.locate(origin),
    notes,
  };
}

const placeKey = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;
