import type { HeaderValueOption } from '#xds';
import type { CheckSettings, ExtAuthzConfig } from '../../../config/ext-authz-config.ts';

/** What an external authorizer decided. */
export type Verdict =
  | {
      readonly kind: 'ok';
      readonly set: readonly HeaderChange[];
      /** Behind what is there, in the same line; a header that is not there is not begun. */
      readonly append: readonly HeaderChange[];
      /** In lines of their own. */
      readonly add: readonly HeaderChange[];
      readonly remove: readonly string[];
      readonly toClient: readonly HeaderChange[];
      /** Of the path's query. */
      readonly query?: {
        readonly set: readonly { readonly key: string; readonly value: string }[];
        readonly remove: readonly string[];
      };
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
  /** Of headers for the client; default: added. */
  readonly action?: NonNullable<HeaderValueOption['append_action']>;
}

/** The part of the request's body that an authorizer is told. */
export interface ToldBody {
  readonly bytes: Buffer;
  /** Undefined where no body is told at all. */
  readonly partial: boolean | undefined;
}

/** What an authorizer is asked with. */
export interface Question {
  /** Of the filter in the configuration. */
  readonly place: number;
  readonly config: ExtAuthzConfig;
  /** Those of the route. */
  readonly settings: CheckSettings;
  readonly body: ToldBody;
}

/** Tells an authorizer whether it sees the whole body. */
export const PARTIAL_BODY = 'x-envoy-auth-partial-body';
