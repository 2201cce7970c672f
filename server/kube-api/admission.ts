import type { FieldProblem, KubeObject } from '#domain';
import type { ServedKind } from './doors.ts';
import { copyJson, isRecord } from './json.ts';
import { metadataProblems } from './names.ts';
import { badRequest, invalid, tooLarge } from './status-error.ts';
import { decodeStrictly } from './strict-decoding.ts';

/** etcd's limit of one object: 1.5 MiB. */
export const MAX_OBJECT_BYTES = 1.5 * 1024 * 1024;

/** A private copy of what a client sent. Throws BadRequest for what is no object, RequestEntityTooLarge beyond the limit. */
export function receive(object: KubeObject): KubeObject {
  if (!isRecord(object) || !isRecord(object.metadata)) throw badRequest('the object has no metadata');
  const text = JSON.stringify(object);
  if (Buffer.byteLength(text) > MAX_OBJECT_BYTES) {
    throw tooLarge(`Request entity too large: limit is ${MAX_OBJECT_BYTES}`);
  }
  return JSON.parse(text) as KubeObject;
}

const errorsOf = (problems: readonly FieldProblem[]): FieldProblem[] =>
  problems.filter((problem) => problem.severity === 'error');

/** Strict decoding: throws BadRequest for unknown fields, Invalid for values of the wrong type. */
export function decode(object: KubeObject, kind: ServedKind): void {
  const schema = kind.schema?.();
  if (!schema) return;
  const { unknown, mistyped } = decodeStrictly(object, schema);
  if (mistyped.length > 0) {
    throw invalid(
      kind,
      object.metadata.name,
      mistyped.map((each) => ({ severity: 'error', ...each })),
    );
  }
  if (unknown.length === 0) return;
  const fields = unknown.map((path) => `unknown field "${path}"`).join(', ');
  throw badRequest(
    `${kind.kind} in version "${object.apiVersion.split('/').at(-1)}" cannot be handled as a ${kind.kind}: ` +
      `strict decoding error: ${fields}`,
  );
}

/** The object with defaults. Throws Invalid with every cause when a rule refuses it. */
export function admit(object: KubeObject, kind: ServedKind, old?: KubeObject): KubeObject {
  const admitted = copyJson(object);
  // Every served version is stored as one.
  admitted.apiVersion = kind.group === '' ? (kind.versions[0] ?? '') : `${kind.group}/${kind.versions[0]}`;
  kind.setDefaults?.(admitted);
  const problems = [
    ...metadataProblems(admitted, kind),
    ...(kind.validate?.(admitted) ?? []),
    ...(old ? (kind.validateUpdate?.(admitted, old) ?? []) : []),
  ];
  const errors = errorsOf(problems);
  if (errors.length > 0) throw invalid(kind, admitted.metadata.name, errors);
  return admitted;
}
