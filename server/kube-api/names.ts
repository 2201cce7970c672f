import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from './doors.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const WORDS = {
  label:
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an " +
    "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
  'label-1035':
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with " +
    "an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
  subdomain:
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'example.com', regex used for validation is " +
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
  path: "may not be '.' or '..', and may not contain '/' or '%'",
  qualified:
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character " +
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
  value:
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an " +
    "alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is " +
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
} as const;

type NameRule = NonNullable<ServedKind['nameRule']>;
const PATTERNS: Readonly<Record<NameRule, RegExp>> = {
  label: LABEL,
  'label-1035': LABEL_1035,
  subdomain: SUBDOMAIN,
  path: /^(?!\.{1,2}$)[^/%]+$/,
};
const MAX_ANNOTATION_BYTES = 262_144;

const error = (path: string, message: string): FieldProblem => ({ severity: 'error', path, message });

/** What is wrong with a name, in Kubernetes' words; undefined when nothing is. */
export function nameProblem(name: string, rule: NameRule): string | undefined {
  const limit = rule === 'subdomain' || rule === 'path' ? 253 : 63;
  if (name.length > limit) return `Invalid value: "${name}": must be no more than ${limit} characters`;
  return PATTERNS[rule].test(name) ? undefined : `Invalid value: "${name}": ${WORDS[rule]}`;
}

function keyProblem(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const prefix = parts.length === 2 ? parts[0] : undefined;
  if (parts.length > 2) return `a qualified name ${WORDS.qualified.replace('name part ', '')}`;
  if (prefix !== undefined && nameProblem(prefix, 'subdomain')) return `prefix part ${WORDS.subdomain}`;
  if (name.length > 63) return 'name part must be no more than 63 characters';
  return QUALIFIED.test(name) ? undefined : WORDS.qualified;
}

/** Problems of a label map: keys and values as Kubernetes wants them. */
export function labelProblems(labels: unknown, path: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  for (const [key, value] of Object.entries((labels ?? {}) as Record<string, unknown>)) {
    const wrongKey = keyProblem(key);
    if (wrongKey) problems.push(error(path, `Invalid value: "${key}": ${wrongKey}`));
    const text = String(value);
    if (text.length > 63) problems.push(error(path, `Invalid value: "${text}": must be no more than 63 characters`));
    else if (!LABEL_VALUE.test(text)) problems.push(error(path, `Invalid value: "${text}": ${WORDS.value}`));
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
    const wrong = keyProblem(key.toLowerCase());
    if (wrong) problems.push(error('metadata.annotations', `Invalid value: "${key}": ${wrong}`));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > MAX_ANNOTATION_BYTES) {
    problems.push(error('metadata.annotations', `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes`));
  }
  return problems;
}
