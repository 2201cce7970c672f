import type { OriginView } from '#contract';
import type { Origin, SourceLocation } from '#domain';

export type Locate = (origin: Origin) => SourceLocation | undefined;

const OWN_METADATA = 'meshwork';

/** The resource without the marks that lead to the YAML: they are no part of Envoy's configuration. */
export function textOf(json: object): string {
  return JSON.stringify(json, withoutMarks, 2);
}

function withoutMarks(key: string, value: unknown): unknown {
  if (key !== 'metadata' || typeof value !== 'object' || value === null) return value;
  const { filter_metadata: held, ...others } = value as { filter_metadata?: Record<string, unknown> };
  if (held === undefined) return value;
  const { [OWN_METADATA]: _own, ...kept } = held;
  const rest = { ...others, ...(Object.keys(kept).length > 0 && { filter_metadata: kept }) };
  return Object.keys(rest).length > 0 ? rest : undefined;
}

/** Origins of a resource that are told, at most. */
const MOST_ORIGINS = 12;

/** Every object that left a mark in the resource, each once, with its place in the applied text. */
export function originsIn(resource: object | undefined, locate: Locate): OriginView[] {
  const found = new Map<string, Origin>();
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null || found.size >= MOST_ORIGINS) return;
    const mark = markOf(value);
    if (mark !== undefined) found.set(`${mark.kind}/${mark.namespace}/${mark.name}/${mark.path}`, mark);
    for (const part of Object.values(value)) walk(part);
  };
  walk(resource);
  return [...found.values()].map((origin) => {
    const location = locate(origin);
    return { ...origin, ...(location !== undefined && { location }) };
  });
}

function markOf(value: object): Origin | undefined {
  const mark: unknown = (value as { filter_metadata?: Record<string, unknown> }).filter_metadata?.[OWN_METADATA];
  if (typeof mark !== 'object' || mark === null) return undefined;
  const { kind, namespace = '', name, path = '' } = mark as Partial<Record<keyof Origin, unknown>>;
  if (typeof kind !== 'string' || typeof name !== 'string') return undefined;
  return { kind, namespace: String(namespace), name, path: String(path) };
}
