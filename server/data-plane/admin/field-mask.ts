type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The fields that a mask's paths name (`cluster.name`), with `@type`, which tells what a message is. */
export function masked(message: Json, paths: readonly string[]): Json {
  const kept: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(message)) {
    if (field === '@type') {
      kept[field] = value;
      continue;
    }
    const own = paths.filter((path) => path === field || path.startsWith(`${field}.`));
    if (own.length === 0) continue;
    const inner = own.map((path) => path.slice(field.length + 1));
    kept[field] = inner.includes('') || !isObject(value) ? value : masked(value, inner);
  }
  return kept;
}

/** The paths of a mask as text: `cluster.name,version_info`. */
export const maskPaths = (mask: string): string[] => mask.split(',').filter(Boolean);
