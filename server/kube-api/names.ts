import {
  type FieldProblem,
  isSubdomain,
  type KubeObject,
  labelKeyProblems,
  labelValueProblems,
  SUBDOMAIN_RULE,
} from '#domain';
import type { ServedKind } from './doors.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

const WORDS = {
  label:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  'label-1035':
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with " +
    "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  subdomain: SUBDOMAIN_RULE,
  path: "may not be '.' or '..', and may not contain '/' or '%'",
} as const;

type NameRule = NonNullable<ServedKind['nameRule']>;
const FITS: Readonly<Record<NameRule, (name: string) => boolean>> = {
  label: (name) => LABEL.test(name),
  'label-1035': (name) => LABEL_1035.test(name),
  subdomain: isSubdomain,
  path: (name) => /^(?!\.{1,2}$)[^/%]+$/.test(name),
};
const MAX_ANNOTATION_BYTES = 262_144;

const error = (path: string, message: string): FieldProblem => ({ severity: 'error', path, message });

/** What is wrong with a name, in Kubernetes' words; undefined when nothing is. */
export function nameProblem(name: string, rule: NameRule): string | undefined {
  const limit = rule === 'subdomain' || rule === 'path' ? 253 : 63;
  if (name.length > limit) return `Invalid value: "${name}": must be no more than ${limit} characters`;
  return FITS[rule](name) ? undefined : `Invalid value: "${name}": ${WORDS[rule]}`;
}

/** Problems of a label map: keys and values as Kubernetes wants them. */
export function labelProblems(labels: unknown, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [key, value] of Object.entries((labels ?? {}) as Record<string, unknown>)) {
    for (const wrong of labelKeyProblems(key)) problems.push(error(path, `Invalid value: "${key}": ${wrong}`));
    const text = String(value);
    for (const wrong of labelValueProblems(text)) problems.push(error(path, `Invalid value: "${text}": ${wrong}`));
  }
  return problems;
}

/** Problems of metadata that every kind shares. */
export function metadataProblems(object: KubeObject, kind: ServedKind): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const { name, labels, annotations } = object.metadata;
  if (!name) problems.push(error('metadata.name', 'Required value: name or generateName is required'));
  else {
    const wrong = nameProblem(name, kind.nameRule ?? 'subdomain');
    if (wrong) problems.push(error('metadata.name', wrong));
  }
  problems.push(...labelProblems(labels, 'metadata.labels'));
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    for (const wrong of labelKeyProblems(key.toLowerCase()))
      problems.push(error('metadata.annotations', `Invalid value: "${key}": ${wrong}`));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > MAX_ANNOTATION_BYTES) {
    problems.push(error('metadata.annotations', `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes`));
  }
  return problems;
}
