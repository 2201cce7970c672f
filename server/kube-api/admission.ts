import { type FieldProblem, type KubeObject, parseApiVersion } from '#domain';
import type { ServedKind, UpdateOptions, WriteOptions } from './doors.ts';
import { copyJson, isRecord } from './json.ts';
import { metadataProblems } from './names.ts';
import { badRequest, invalid, tooLarge } from './status-error.ts';
import { decodeStrictly, type Mistyped } from './strict-decoding.ts';
import { type Shape, shapeOf } from './types/shape.ts';
import { dropUnsaid } from './types/typed-form.ts';
import { typeOf } from './types/types.ts';

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

/** How an object is decoded; of a `part`, what is missing is judged when it has been joined with the stored object. */
export type DecodeOptions = UpdateOptions & { readonly part?: boolean };

/**
 * Decoding by the kind's schema. Throws BadRequest for unknown fields, unless the options drop them, and Invalid (BadRequest for
 * Kubernetes' own kinds) for values of the wrong type. The object loses fields that it may not keep.
 */
export function decode(object: KubeObject, kind: ServedKind, options: DecodeOptions): void {
  const own = typeOf(kind) !== undefined;
  if (own) dropNulls(object);
  const schema = kind.schema?.(parseApiVersion(object.apiVersion).version);
  if (!schema) return;
  const validation = options.fieldValidation ?? 'Strict';
  const { unknown, mistyped } = decodeStrictly(object, schema, { prune: validation !== 'Strict' });
  const unreadable = own ? mistyped.find((each) => each.found !== undefined) : undefined;
  if (unreadable) throw cannotHandle(object, kind, goError(unreadable, shapeOf(kind)));
  const wrong = mistyped.filter((each) => isJudged(each, options));
  if (wrong.length > 0) {
    const problems = wrong.map(({ path, message }): FieldProblem => ({ severity: 'error', path, message }));
    throw invalid(kind, object.metadata.name, problems);
  }
  const fields = unknown.map((path) => `unknown field "${path}"`);
  if (fields.length === 0 || validation === 'Ignore') return;
  if (validation === 'Warn') for (const field of fields) options.warn?.(field);
  else throw cannotHandle(object, kind, `strict decoding error: ${fields.join(', ')}`);
}

/** A write of the status stores nothing else: clients in Go send it with a spec that has no values. */
function isJudged({ path, missing }: Mistyped, { subresource, part }: DecodeOptions): boolean {
  if (part === true && missing === true) return false;
  return subresource !== 'status' || path === 'status' || path.startsWith('status.') || path.startsWith('metadata.');
}

function cannotHandle(object: KubeObject, kind: ServedKind, why: string): Error {
  const version = object.apiVersion.split('/').at(-1);
  return badRequest(`${kind.kind} in version "${version}" cannot be handled as a ${kind.kind}: ${why}`);
}

/** In a Go struct null is the same as nothing. */
function dropNulls(value: unknown): void {
  if (Array.isArray(value)) value.forEach(dropNulls);
  if (!isRecord(value)) return;
  for (const [key, child] of Object.entries(value)) {
    if (child === null) delete value[key];
    else dropNulls(child);
  }
}

const GO_WORDS: Readonly<Record<string, string>> = { boolean: 'bool', integer: 'number' };

/** How Go's JSON decoder says that a value has the wrong type. */
function goError({ path, found = '' }: Mistyped, shape: Shape): string {
  const steps = path.replaceAll(/\[\d+\]/g, '.[]').split('.');
  let parent = shape;
  let place = shape;
  for (const step of steps) {
    if (step !== '[]') parent = place;
    place = step === '[]' ? place.item() : place.child(step);
  }
  const owner = parent.type?.split('.').at(-1) ?? '';
  const fields = steps.filter((step) => step !== '[]').join('.');
  const type = (place.type ?? '').replaceAll(
    /\b(core|apps|batch|meta|rbac|networking|discovery|autoscaling)\.(?=v\d)/g,
    '',
  );
  const where = parent.type?.startsWith('map[') ? `${fields}` : `${owner}.${fields}`;
  return `json: cannot unmarshal ${GO_WORDS[found] ?? found} into Go struct field ${where} of type ${type}`;
}

/** The object with defaults. Throws Invalid with every cause when a rule refuses it. */
export function admit(object: KubeObject, kind: ServedKind, options: WriteOptions, old?: KubeObject): KubeObject {
  const admitted = copyJson(object);
  // Every served version is stored as one.
  admitted.apiVersion = kind.group === '' ? (kind.versions[0] ?? '') : `${kind.group}/${kind.versions[0]}`;
  kind.setDefaults?.(admitted);
  const type = typeOf(kind);
  if (type !== undefined) dropUnsaid(admitted, type);
  // A version may have rules of its own, and those of the version that was written hold.
  const written = { ...admitted, apiVersion: object.apiVersion };
  const found = kind.validate?.(written) ?? [];
  const problems = [
    ...metadataProblems(admitted, kind),
    ...found,
    ...(old ? (kind.validateUpdate?.(written, old) ?? []) : []),
  ];
  const errors = errorsOf(problems);
  if (errors.length > 0) {
    const byRules = errors.every((each) => found.includes(each));
    throw invalid(kind, admitted.metadata.name, errors, { byRules });
  }
  for (const each of problems) options.warn?.(each.warning ?? each.message);
  return admitted;
}
