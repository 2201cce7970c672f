import { type KubeObject, serviceHostname } from '#domain';
import { Field } from '../../rules/field.ts';

export type Labels = Readonly<Record<string, string>>;

/** The namespace; empty for objects that have none. */
export const namespaceOf = (object: KubeObject): string => object.metadata.namespace ?? '';

/** `namespace/name`, or the bare name of an object without a namespace. */
export function fullName(object: KubeObject): string {
  const namespace = namespaceOf(object);
  return namespace === '' ? object.metadata.name : `${namespace}/${object.metadata.name}`;
}

/** The entries of a map whose values are texts; the API server takes no others. */
export const labelsOf = (field: Field): Labels =>
  Object.fromEntries(
    field.entries.filter(([, { value }]) => typeof value === 'string').map(([key, value]) => [key, value.text]),
  );

export const objectLabels = (object: KubeObject): Labels =>
  labelsOf(new Field(object.metadata.labels, 'metadata.labels'));

export const objectAnnotations = (object: KubeObject): Labels =>
  labelsOf(new Field(object.metadata.annotations, 'metadata.annotations'));

/** A short name means a Service in the namespace of the rule; a name with dots, or with a wildcard, stands for itself. */
export function fullHost(name: string, namespace: string): string {
  return name.includes('.') || name.startsWith('*') ? name : serviceHostname(name, namespace);
}

/** What a reference such as `name` or `namespace/name` means in this namespace. */
export function referenceTo(text: string, namespace: string): { readonly namespace: string; readonly name: string } {
  const slash = text.indexOf('/');
  return slash < 0 ? { namespace, name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
