/** What an external authorizer decided. */
export type Verdict =
  | {
      readonly kind: 'ok';
      readonly set: readonly HeaderChange[];
      readonly add: readonly HeaderChange[];
      readonly remove: readonly string[];
      readonly toClient: readonly HeaderChange[];
      readonly metadata?: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: 'denied';
      readonly status: number;
      readonly headers: readonly HeaderChange[];
      readonly body: string;
      readonly metadata?: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'error'; readonly reason: string };

export interface HeaderChange {
  readonly name: string;
  readonly value: string;
}

/** The part of the request's body that an authorizer is told. */
export interface ToldBody {
  readonly bytes: Buffer;
  /** Undefined where no body is told at all. */
  readonly partial: boolean | undefined;
}

/** Tells an authorizer whether it sees the whole body. */
export const PARTIAL_BODY = 'x-envoy-auth-partial-body';
