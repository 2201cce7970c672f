import type { KubeObject } from '#domain';
import { annotations, formatFields, pairs } from './format.ts';

/** Every entry whole, each under its name; of binary data the sizes. */
export function describeConfigMap({ metadata, ...map }: KubeObject): string[] {
  const sorted = (field: string): [string, string][] =>
    Object.entries((map[field as keyof typeof map] ?? {}) as Readonly<Record<string, string>>).sort(([a], [b]) =>
      a < b ? -1 : 1,
    );
  return [
    ...formatFields([
      ['Name', metadata.name],
      ['Namespace', metadata.namespace ?? ''],
      ['Labels', ...pairs(metadata.labels)],
      ['Annotations', ...annotations(metadata.annotations)],
    ]),
    '',
    'Data',
    '====',
    ...sorted('data').flatMap(([name, text]) => [`${name}:`, '----', text, '']),
    '',
    'BinaryData',
    '====',
    ...sorted('binaryData').map(([name, text]) => `${name}: ${Buffer.from(text, 'base64').length} bytes`),
    '',
  ];
}
