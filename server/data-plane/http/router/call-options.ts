import type { ForwardAction } from '../../config/route-table.ts';
import type { UpstreamCluster } from '../../upstream/cluster.ts';
import type { Exchange } from '../exchange.ts';
import type { MirrorCall } from './mirror.ts';

/** What a call is to do. Times in milliseconds, 0: none. */
export interface UpstreamCallOptions {
  readonly exchange: Exchange;
  readonly action: ForwardAction;
  readonly cluster: UpstreamCluster;
  readonly timeoutMs: number;
  readonly perTryTimeoutMs: number;
  readonly mirrors: readonly MirrorCall[];
  /** A header that the request was to have, and that no message can have. */
  readonly misnamed?: string | undefined;
}
