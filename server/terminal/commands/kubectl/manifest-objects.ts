import { parseAllDocuments } from 'yaml';
import { UsageError } from '../../command.ts';

export interface ManifestObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace: string | undefined;
}

const MAX_ALIASES = 20;

/** The addresses of the objects in a manifest; documents without kind or name are left out. */
export function manifestObjects(text: string): ManifestObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    const problem = document.errors[0];
    if (problem) throw new UsageError(`error: error parsing YAML: ${problem.message.split('\n', 1)[0]}`);
    const object = document.toJS({ maxAliasCount: MAX_ALIASES }) as {
      apiVersion?: unknown;
      kind?: unknown;
      metadata?: { name?: unknown; namespace?: unknown } | null;
    } | null;
    const { name, namespace } = object?.metadata ?? {};
    if (typeof object?.apiVersion !== 'string' || typeof object.kind !== 'string' || typeof name !== 'string')
      return [];
    return [
      {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name,
        namespace: typeof namespace === 'string' ? namespace : undefined,
      },
    ];
  });
}
