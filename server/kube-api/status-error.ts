import type { FieldProblem, KindDefinition } from '#domain';
import type { KubeStatus, KubeStatusCause, KubeStatusReason } from './doors.ts';

const CODES: Readonly<Record<KubeStatusReason, number>> = {
  BadRequest: 400,
  Forbidden: 403,
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  RequestEntityTooLarge: 413,
  Invalid: 422,
};

/** What the API server answers when it refuses: the message is kubectl's, `status` is the object on the wire. */
export class KubeStatusError extends Error {
  readonly status: KubeStatus;

  constructor(reason: KubeStatusReason, message: string, details?: KubeStatus['details']) {
    super(message);
    this.name = 'KubeStatusError';
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      reason,
      ...(details ? { details } : {}),
      code: CODES[reason],
    };
  }

  get reason(): KubeStatusReason {
    return this.status.reason;
  }
}

/** `virtualservices.networking.istio.io`, `pods`. */
export function qualifiedPlural(kind: KindDefinition): string {
  return kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
}

const details = (kind: KindDefinition, name: string) => ({
  name,
  ...(kind.group === '' ? {} : { group: kind.group }),
  kind: kind.plural,
});

export function notFound(kind: KindDefinition, name: string): KubeStatusError {
  return new KubeStatusError('NotFound', `${qualifiedPlural(kind)} "${name}" not found`, details(kind, name));
}

export function alreadyExists(kind: KindDefinition, name: string): KubeStatusError {
  const message = `${qualifiedPlural(kind)} "${name}" already exists`;
  return new KubeStatusError('AlreadyExists', message, details(kind, name));
}

export function conflict(kind: KindDefinition, name: string): KubeStatusError {
  const message =
    `Operation cannot be fulfilled on ${qualifiedPlural(kind)} "${name}": the object has been modified; ` +
    'please apply your changes to the latest version and try again';
  return new KubeStatusError('Conflict', message, details(kind, name));
}

export function forbidden(kind: KindDefinition, name: string, why: string): KubeStatusError {
  const message = `${qualifiedPlural(kind)} "${name}" is forbidden: ${why}`;
  return new KubeStatusError('Forbidden', message, details(kind, name));
}

export function badRequest(message: string): KubeStatusError {
  return new KubeStatusError('BadRequest', message);
}

export function tooLarge(message: string): KubeStatusError {
  return new KubeStatusError('RequestEntityTooLarge', message);
}

/** The reason of a cause, told from the words that Kubernetes puts at the start of a field's message. */
function causeReason(message: string): string {
  if (message.startsWith('Required value')) return 'FieldValueRequired';
  if (message.startsWith('Duplicate value')) return 'FieldValueDuplicate';
  if (message.startsWith('Unsupported value')) return 'FieldValueNotSupported';
  if (message.startsWith('Forbidden')) return 'FieldValueForbidden';
  if (message.startsWith('Too long')) return 'FieldValueTooLong';
  return 'FieldValueInvalid';
}

/** 422 with one cause for each problem; several are joined as the API server joins them. */
export function invalid(kind: KindDefinition, name: string, problems: readonly FieldProblem[]): KubeStatusError {
  const causes: KubeStatusCause[] = problems.map((each) => ({
    reason: causeReason(each.message),
    message: each.message,
    field: each.path,
  }));
  const lines = causes.map((each) => (each.field === '' ? each.message : `${each.field}: ${each.message}`));
  const [only] = lines;
  const text = lines.length === 1 && only !== undefined ? only : `[${lines.join(', ')}]`;
  const qualified = kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`;
  const message = `${qualified} "${name}" is invalid: ${text}`;
  return new KubeStatusError('Invalid', message, { ...details(kind, name), kind: kind.kind, causes });
}
