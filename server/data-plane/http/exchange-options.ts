import type { HttpFilterConfig } from '../config/network-filter.ts';
import { HopSteps } from '../decisions/hop-steps.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import type { ProxyRuntime } from '../runtime.ts';
import type { HttpStats } from '../stats/http-stats.ts';
import type { Exchange, RequestLayer } from './exchange.ts';

/** What all requests of a client's connection share. */
export interface ExchangeOptions {
  readonly runtime: ProxyRuntime;
  readonly connection: ConnectionContext;
  readonly config: HttpFilterConfig;
  readonly layers: readonly RequestLayer[];
  readonly stats: HttpStats;
  /** Called once, when nothing more will happen to this request. */
  readonly onFinish: (exchange: Exchange) => void;
  /** An answer before the answer goes to the client. */
  readonly onInformational: (status: number) => void;
  /** A host has redirected the request, and it begins anew with this body. */
  readonly onRedirect: (exchange: Exchange, body: readonly Buffer[]) => void;
}

/** A redirect of a host that was followed here; its routes by their names. */
export interface FollowedRedirect {
  readonly from: string;
  readonly to: string;
}

/** All its decisions are noted, or none. */
export function stepsOf({ config, connection, runtime }: ExchangeOptions, startedAt: number): HopSteps {
  const { clock, fleetingHops, sampler } = runtime;
  const kept = sampler.next(startedAt);
  // A collector gets its spans at once.
  if (!kept && !(fleetingHops.wanted && config.tracing?.collector === undefined)) return HopSteps.off;
  return new HopSteps({ clock, startedAt, before: connection.steps, hurried: sampler.busy, fleeting: !kept });
}
