import type { Origin } from '#domain';
import type { Metadata, OriginMetadata } from '#xds';

/** The YAML behind an xDS object: the resource that caused it and the fields behind its parts. */
export interface Origins {
  readonly whole: Origin;
  readonly parts: ReadonlyMap<string, Origin>;
}

/** Reads `filter_metadata.meshwork`; undefined when the object was caused by no resource of the learner's. */
export function readOrigins(metadata: Metadata | undefined): Origins | undefined {
  const held = metadata?.filter_metadata?.['meshwork'];
  if (held === undefined || typeof held['kind'] !== 'string' || typeof held['name'] !== 'string') return undefined;
  const { kind, namespace, name, path, parts } = held as unknown as OriginMetadata;
  const at = (field: string): Origin => ({ kind, namespace: namespace ?? '', name, path: field });
  const explained = new Map<string, Origin>();
  for (const [part, field] of Object.entries(parts ?? {})) explained.set(part, at(field));
  return { whole: at(path ?? ''), parts: explained };
}

/** Reads what the listener tells of the rules behind those who verify tokens, by their names. */
export function readTokenOrigins(metadata: Metadata | undefined): ReadonlyMap<string, Origin> {
  const tokens = metadata?.filter_metadata?.['meshwork']?.['tokens'] ?? {};
  return new Map(
    Object.entries(tokens as Readonly<Record<string, OriginMetadata>>).map(([provider, held]) => [
      provider,
      { kind: held.kind, namespace: held.namespace, name: held.name, path: held.path },
    ]),
  );
}

/** Where exactly `part` comes from; undefined when nobody wrote it, so that a default is not blamed on a rule. */
export const partOrigin = (origins: Origins | undefined, part: string): Origin | undefined => origins?.parts.get(part);

/** Where `part` comes from; the whole object's origin when the part has none of its own. */
export function originOf(origins: Origins | undefined, part?: string): Origin | undefined {
  if (origins === undefined) return undefined;
  return (part === undefined ? undefined : origins.parts.get(part)) ?? origins.whole;
}
