import { type KindDefinition, MeshworkError, parseApiVersion } from '#domain';
import type { KindRegistry } from './doors.ts';

/** Words that name a kind, without its group. */
const wordsOf = (kind: KindDefinition): string[] =>
  [kind.kind, kind.plural, kind.singular, ...kind.shortNames].map((word) => word.toLowerCase());

/**
 * The kinds that an API server serves. Where two groups share a word, the bare word finds the kind whose group comes first in the
 * alphabet, as real clusters list their CRD groups; the core group comes before all.
 */
export function createKindRegistry(definitions: readonly KindDefinition[]): KindRegistry {
  const byWord = new Map<string, KindDefinition>();
  const byObject = new Map<string, KindDefinition>();
  const ordered = [...definitions].sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
  for (const kind of ordered) {
    for (const word of wordsOf(kind)) {
      if (!byWord.has(word)) byWord.set(word, kind);
      byWord.set(`${word}.${kind.group}`, kind);
      for (const version of kind.versions) byWord.set(`${word}.${version}.${kind.group}`, kind);
    }
    for (const version of kind.versions) {
      const key = `${kind.group}/${version}/${kind.kind}`;
      if (byObject.has(key)) throw new MeshworkError('KUBE_KIND_TWICE', `Two definitions of ${key}`);
      byObject.set(key, kind);
    }
  }
  return {
    all: Object.freeze([...definitions]),
    find: (word) => byWord.get(word.toLowerCase()),
    forObject: (apiVersion, kind) => {
      const { group, version } = parseApiVersion(apiVersion);
      return byObject.get(`${group}/${version}/${kind}`);
    },
  };
}
