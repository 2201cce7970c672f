import type { KubeObject } from '#domain';
import { annotations, type Field, formatFields, pairs } from './format.ts';

/** Of the data only the sizes, as kubectl: who looks over a shoulder learns no key. */
export function describeSecret({ metadata, ...secret }: KubeObject): string[] {
  const head: Field[] = [
    ['Name', metadata.name],
    ['Namespace', metadata.namespace ?? ''],
    ['Labels', ...pairs(metadata.labels)],
    ['Annotations', ...annotations(metadata.annotations)],
  ];
  const data = Object.entries((secret['data'] ?? {}) as Readonly<Record<string, string>>).sort(([a], [b]) =>
    a < b ? -1 : 1,
  );
  const sizes = data.map(([name, text]): Field => [name, `${Buffer.from(text, 'base64').length} bytes`]);
  return [
    ...formatFields(head),
    '',
    `Type:  ${String(secret['type'] ?? 'Opaque')}`,
    '',
    'Data',
    '====',
    ...formatFields(sizes),
  ];
}
