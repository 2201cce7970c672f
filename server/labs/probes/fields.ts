/**
 * The values at a dotted path; lists on the way are walked item by item (`template.spec.containers.env.value`). Empty when there
 * is nothing.
 */
export function valueAt(value: unknown, path: string): unknown[] {
  let found: unknown[] = [value];
  for (const key of path.split('.')) {
    found = found.flatMap((each) => {
      const items = Array.isArray(each) ? each : [each];
      return items.flatMap((item: unknown) => {
        if (typeof item !== 'object' || item === null || !Object.hasOwn(item, key)) return [];
        return [(item as Record<string, unknown>)[key]];
      });
    });
  }
  return found.filter((each) => each !== undefined);
}

export const everyEntry = (
  record: Readonly<Record<string, string>>,
  holds: (key: string, value: string) => boolean,
): boolean => Object.entries(record).every(([key, value]) => holds(key, value));
