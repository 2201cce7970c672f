import type { ErrorDetail, WireFormat } from '../wire/discovery.ts';
import type { ReadResponse } from './receive.ts';
import type { Subscription } from './subscription.ts';

/** What both kinds of response have in common. */
export interface AnyResponse {
  readonly typeUrl: string;
  readonly nonce: string;
}

/** How the two forms of the protocol differ for a client; everything else it does is the same. */
export interface ClientProtocol<Request, Response extends AnyResponse> {
  readonly path: string;
  readonly request: WireFormat<Request>;
  readonly response: WireFormat<Response>;
  /** An answer carries all names that are wanted, so those that a response made a client want need no request of their own. */
  readonly answersTellNames: boolean;
  /** The first request of a type on a stream. */
  opening(subscription: Subscription): Partial<Request>;
  /** How a stream that knows `before` learns of `after`; undefined when both want the same. `nonce`: of the latest response. */
  change(before: Subscription, after: Subscription, nonce: string): Partial<Request> | undefined;
  read(response: Response, subscription: Subscription): ReadResponse;
  /** Books what was taken, then says so. */
  answer(response: Response, taken: Taken): Partial<Request>;
}

/** What became of a response. */
export interface Taken extends ReadResponse {
  readonly subscription: Subscription;
  /** Present: it is refused, wholly or in part. */
  readonly errorDetail: ErrorDetail | undefined;
}
