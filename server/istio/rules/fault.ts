import type { Field } from './field.ts';
import type { Findings } from './findings.ts';
import { checkDuration, checkPercentage } from './values.ts';

const GRPC_STATUSES = new Set(
  (
    'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED ' +
    'FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'
  ).split(' '),
);

/** An HTTP status that a proxy may answer. As Istio's check does, it lets 600 pass, whatever the message says. */
export function checkHttpStatus(field: Field, findings: Findings): void {
  const status = field.number;
  if (status >= 200 && status <= 600) return;
  findings.reject(field, `HTTP status ${status} is not in range 200-599`, 'Use a status from 200 to 599, such as 503.');
}

/** `fault`: an abort, a delay or both. */
export function checkFault(fault: Field, findings: Findings): void {
  if (!fault.exists) return;
  const abort = fault.get('abort');
  const delay = fault.get('delay');
  if (!abort.exists && !delay.exists) {
    findings.reject(fault, 'HTTP fault injection must have an abort and/or a delay', 'Add delay or abort under fault.');
  }
  if (abort.exists) checkAbort(abort, findings);
  if (delay.exists) checkDelay(delay, findings);
}

function checkAbort(abort: Field, findings: Findings): void {
  checkPercentage(abort.get('percentage'), findings);
  const grpc = abort.get('grpcStatus');
  if (abort.get('http2Error').exists) {
    findings.reject(
      abort.get('http2Error'),
      'HTTP/2 abort fault injection not supported yet',
      'Use httpStatus or grpcStatus.',
    );
  } else if (grpc.exists) {
    if (GRPC_STATUSES.has(grpc.text)) return;
    const message =
      `gRPC status "${grpc.text}" is not supported. See https://github.com/grpc/grpc/blob/master/doc/statuscodes.md ` +
      "for a list of supported codes, for example 'NOT_FOUND'";
    findings.reject(grpc, message, 'Use a status name in capitals, such as UNAVAILABLE.');
  } else if (abort.get('httpStatus').exists) checkHttpStatus(abort.get('httpStatus'), findings);
  else findings.add('MW0205', abort, {});
}

function checkDelay(delay: Field, findings: Findings): void {
  checkPercentage(delay.get('percentage'), findings);
  const exponential = delay.get('exponentialDelay');
  if (exponential.exists) findings.reject(exponential, 'exponentialDelay not supported yet', 'Use fixedDelay.');
  else checkDuration(delay.get('fixedDelay'), findings);
}
