/** A line of `kubectl describe`: a name and its value; further values stand below the first. */
export type Field = readonly [name: string, ...values: string[]];

/** Fields in two columns, the second two spaces behind the longest name. */
export function formatFields(fields: readonly Field[], indent = ''): string[] {
  const width = Math.max(0, ...fields.map(([name]) => name.length)) + 3;
  return fields.flatMap(([name, ...values]) =>
    (values.length > 0 ? values : ['']).map((text, i) =>
      `${indent}${(i === 0 ? `${name}:` : '').padEnd(width)}${text}`.trimEnd(),
    ),
  );
}

/** `key=value` pairs of labels and the like. */
export function pairs(values: Readonly<Record<string, string>> | undefined, join = '='): string[] {
  const entries = Object.entries(values ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? ['<none>'] : entries.map(([key, text]) => `${key}${join}${text}`);
}

const MAX_ANNOTATION = 140;

/** Annotations as kubectl shows them: without what apply keeps there, long ones cut. */
export function annotations(values: Readonly<Record<string, string>> | undefined): string[] {
  const shown = Object.entries(values ?? {}).filter(([key]) => !key.endsWith('last-applied-configuration'));
  const short = shown.map(([key, text]) => [
    key,
    text.length > MAX_ANNOTATION ? `${text.slice(0, MAX_ANNOTATION)}...` : text,
  ]);
  return pairs(Object.fromEntries(short), ': ');
}

/** kubectl's generic form of any value: field names in words, children indented. */
export function tree(name: string, value: unknown, depth = 0): string[] {
  const indent = '  '.repeat(depth);
  const title = words(name);
  if (typeof value !== 'object' || value === null) return [`${indent}${title}:  ${String(value)}`];
  if (!Array.isArray(value)) return [`${indent}${title}:`, ...children(value, depth + 1)];
  return [
    `${indent}${title}:`,
    ...value.flatMap((item: unknown) =>
      typeof item === 'object' && item !== null ? children(item, depth + 1) : [`${indent}  ${String(item)}`],
    ),
  ];
}

const children = (value: object, depth: number): string[] =>
  Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, child]) => tree(key, child, depth));

const words = (name: string): string =>
  name.charAt(0).toUpperCase() + name.slice(1).replace(/([a-z0-9])([A-Z])/g, '$1 $2');
