import type { Clock } from '#domain';
import type { ApiServerOptions, KubeStore } from '../doors.ts';
import type { WatchCache } from './watch-cache.ts';

/** What every handler of the server shares. */
export interface ApiContext {
  readonly store: KubeStore;
  readonly clock: Clock;
  readonly cache: WatchCache;
  readonly options: ApiServerOptions;
  /** Wall time. */
  nowMs(): number;
}
