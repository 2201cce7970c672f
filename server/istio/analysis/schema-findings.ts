import { type Diagnostic, type KindDefinition, type KubeObject, parseApiVersion } from '#domain';
import { istioKinds } from '../kinds/istio-kinds.ts';
import type { ParsedDocument } from '../manifests/document.ts';
import { type ValidateOptions, validateDocument } from '../manifests/validate.ts';
import { namespaceOf } from './mesh/objects.ts';

/** `istioctl analyze` puts this in front of what the webhook says. */
const PREFIX: Readonly<Record<string, string>> = {
  IST0106: 'Schema validation error: ',
  IST0133: 'Schema validation warning: ',
};

function kindOf(object: KubeObject): KindDefinition | undefined {
  const { group, version } = parseApiVersion(object.apiVersion);
  const isIstio = group.endsWith('.istio.io');
  if (!isIstio) return undefined;
  return istioKinds.find(
    (kind) => kind.kind === object.kind && kind.group === group && kind.versions.includes(version),
  );
}

/** The name under which `istioctl analyze` runs the validation of a kind. */
export const schemaAnalyzer = (kind: string): string => `schema.ValidationAnalyzer.${kind}`;

/** Names of all of them. */
export const schemaAnalyzers: readonly string[] = istioKinds
  .filter(({ group }) => group.endsWith('.istio.io'))
  .map(({ kind }) => schemaAnalyzer(kind));

/**
 * What Istio's validation says of one document, worded as `istioctl analyze` words it; nothing for other kinds. A document without a
 * namespace is judged as it would be in `default`.
 */
export function schemaFindings(document: ParsedDocument, options: ValidateOptions): Diagnostic[] {
  const { object } = document;
  const kind = kindOf(object);
  if (!kind) return [];
  return validateDocument(document, [kind], options).map((found) => ({
    ...found,
    message: `${PREFIX[found.code] ?? ''}${found.message}`,
    ...(found.origin ? { origin: { ...found.origin, namespace: namespaceOf(object) } } : {}),
  }));
}
