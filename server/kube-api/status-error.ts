import type { FieldProblem, KindDefinition } from '#domain';
import type { KubeStatus, KubeStatusCause, KubeStatusReason } from './doors.ts';

const CODES: Readonly<Record<KubeStatusReason, number>> = {
  '': 400,
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  Timeout: 504,
};

/** What the API server answers when it refuses: the message is kubectl's, `status` is the object on the wire. */
export class KubeStatusError extends Error {
  readonly status: KubeStatus;
  /** What the kind's own rules found, when they are why it was refused. */
  readonly problems: readonly FieldProblem[];

  constructor(
    reason: KubeStatusReason,
    message: string,
    details?: KubeStatus['details'],
    problems: readonly FieldProblem[] = [],
  ) {
    super(message);
    this.name = 'KubeStatusError';
    this.problems = problems;
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

/** Deletion with a precondition that the object does not meet. */
export function preconditionFailed(kind: KindDefinition, name: string, why: string): KubeStatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedPlural(kind)} "${name}": Precondition failed: ${why}`;
  return new KubeStatusError('Conflict', message, details(kind, name));
}

export function forbidden(kind: KindDefinition, name: string, why: string): KubeStatusError {
  const subject = name === '' ? qualifiedPlural(kind) : `${qualifiedPlural(kind)} "${name}"`;
  const message = `${subject} is forbidden: ${why}`;
  return new KubeStatusError('Forbidden', message, details(kind, name));
}

export function badRequest(message: string): KubeStatusError {
  return new KubeStatusError('BadRequest', message);
}

export function tooLarge(message: string): KubeStatusError {
  return new KubeStatusError('RequestEntityTooLarge', message);
}

/** What Istio's validating webhook says of an object with these problems. */
export function invalidConfiguration(problems: readonly FieldProblem[]): string {
  const [first, ...more] = problems.map((each) => each.message);
  const lines = [first, ...more].map((each) => `\t* ${each}\n`).join('');
  const text = more.length === 0 ? first : `${problems.length} errors occurred:\n${lines}\n`;
  return `configuration is invalid: ${text}`;
}

/** Istio's rules refuse an object: as the API server passes on the answer of Istio's validating webhook. */
export function deniedByWebhook(problems: readonly FieldProblem[]): KubeStatusError {
  const message = `admission webhook "validation.istio.io" denied the request: ${invalidConfiguration(problems)}`;
  return new KubeStatusError('', message);
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
export function invalid(
  kind: KindDefinition,
  name: string,
  problems: readonly FieldProblem[],
  { byRules = false }: { readonly byRules?: boolean } = {},
): KubeStatusError {
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
  return new KubeStatusError(
    'Invalid',
    message,
    { ...details(kind, name), kind: kind.kind, causes },
    byRules ? problems : [],
  );
}
