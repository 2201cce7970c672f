import { MeshworkError } from '#domain';

/** gRPC's names of the three ways to be refused a certificate. */
export type RefusalReason = 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'INVALID_ARGUMENT';

/** The CA will not sign: the token does not prove who asks, the request is for somebody else, or it cannot be read. */
export class SigningRefused extends MeshworkError {
  readonly reason: RefusalReason;
  constructor(reason: RefusalReason, message: string, options?: { cause?: unknown }) {
    super('MW9101', message, options);
    this.reason = reason;
  }
}
