import type { ResponseHead } from '../codec.ts';
import { malformed, type Violation } from './errors.ts';
import { readRegularFields } from './message-fields.ts';

export interface ReadResponse {
  readonly head: ResponseHead;
  /** −1: any number of bytes may follow. */
  readonly contentLength: number;
}

/** Reads a response's header list (RFC 9113 §8.3.2). `method` is the request's. */
export function readResponse(fields: string[], method: string): ReadResponse | Violation {
  if (fields[0] !== ':status') return malformed('The response does not begin with :status.');
  const status = statusOf(fields[1]!);
  if (status < 0) return malformed('The :status is not a number from 100 to 999.');
  const regular = readRegularFields(fields, 2);
  if ('code' in regular) return regular;
  const { headers, contentLength, host } = regular;
  if (host !== undefined) headers.flat.push('host', host);
  if (status === 101) return malformed('HTTP/2 has no status 101.');
  const bodiless = status < 200 || status === 204;
  if (bodiless && contentLength > 0) return malformed('A 1xx or 204 response announces a body.');
  if (bodiless && contentLength === 0) headers.remove('content-length');
  const hasNone = method === 'HEAD' || status === 204 || status === 304;
  return { head: { status, headers }, contentLength: hasNone ? 0 : contentLength };
}

function statusOf(text: string): number {
  if (text.length !== 3) return -1;
  const status = Number(text);
  return Number.isInteger(status) && status >= 100 ? status : -1;
}
