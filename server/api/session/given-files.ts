import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '#domain';
import { parseManifests } from '#istio';
import type { Lab } from '#labs';
import type { ManifestFile } from '#sandbox';

/** Files of a lab's start that nobody needs to apply. */
export interface GivenFiles {
  /** Each of their objects is in force since the mesh started: the topology has it, in a file of any name and layout. */
  readonly stored: readonly ManifestFile[];
  /** They say no object: comments, where the learner is to write. */
  readonly blank: readonly ManifestFile[];
}

/** Reads which files of the lab's start say only what its topology says too. */
export function givenFiles({ start, topology }: Pick<Lab, 'start' | 'topology'>): GivenFiles {
  // The last file that names an object says what is stored.
  const stored = new Map(objectsIn(topology)?.map((object) => [keyOf(object), object]));
  const isStored = (object: KubeObject): boolean => isDeepStrictEqual(stored.get(keyOf(object)), object);
  const read = start.map((file) => ({ file, objects: objectsIn([file]) }));
  return {
    stored: read.flatMap(({ file, objects }) => (objects?.length && objects.every(isStored) ? [file] : [])),
    blank: read.flatMap(({ file, objects }) => (objects?.length === 0 ? [file] : [])),
  };
}

/** Undefined where a file cannot be read whole. */
function objectsIn(files: readonly ManifestFile[]): KubeObject[] | undefined {
  const { documents, diagnostics } = parseManifests(files);
  return diagnostics.some(({ severity }) => severity === 'error')
    ? undefined
    : documents.map(({ object }) => ({ ...object, metadata: { namespace: 'default', ...object.metadata } }));
}

const keyOf = ({ apiVersion, kind, metadata: { namespace, name } }: KubeObject): string =>
  `${apiVersion}/${kind}/${namespace}/${name}`;
