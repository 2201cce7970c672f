import type { CompiledFilterChain, CompiledListener } from '../config/listener-config.ts';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { Admissions } from '../guards/admissions.ts';
import { GuardedHttp } from '../guards/guarded-http.ts';
import { HttpConnectionManager } from '../http/connection-manager.ts';
import type { RequestLayer } from '../http/exchange.ts';
import { TokenBucket } from '../http/filters/rate-limit/token-bucket.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { ListenerStats, listenerPrefix } from '../stats/listener-stats.ts';
import type { RequestReport } from '../stats/request-metrics.ts';
import { PlainHandler } from '../tcp/plain-handler.ts';
import { TcpProxy } from '../tcp/tcp-proxy.ts';
import type { ChainHandler } from './chain-handler.ts';

/** How the requests of a listener are handled: outbound, inbound or at a gateway. */
export interface RequestHandling {
  readonly report: RequestReport;
  readonly layers: (config: HttpFilterConfig) => readonly RequestLayer[];
}

/** A listener in force with the handlers of its filter chains, made when first used. */
export class ServedListener {
  readonly config: CompiledListener;
  readonly stats: ListenerStats;
  readonly #runtime: ProxyRuntime;
  readonly #handling: RequestHandling;
  readonly #handlers = new Map<CompiledFilterChain, ChainHandler>();
  readonly #admissions = new Map<CompiledFilterChain, Admissions>();
  /** What limits how many connections open; undefined: nothing. */
  readonly rate: TokenBucket | undefined;
  #replaced = false;

  constructor(config: CompiledListener, runtime: ProxyRuntime, handling: RequestHandling) {
    this.config = config;
    this.stats = ListenerStats.of(runtime.stats, config);
    this.#runtime = runtime;
    this.#handling = handling;
    this.rate = config.rateLimit && new TokenBucket(config.rateLimit.limit.bucket, runtime.clock);
  }

  handlerOf(chain: CompiledFilterChain): ChainHandler {
    let handler = this.#handlers.get(chain);
    if (handler === undefined) {
      handler = this.#create(chain);
      this.#handlers.set(chain, handler);
      // A connection that was in its handshake when the listener changed comes too late for `succeed`.
      if (this.#replaced) handler.drain();
    }
    return handler;
  }

  /** The filters of a chain that count its connections. */
  admissionsOf(chain: CompiledFilterChain): Admissions {
    const admissions = this.#admissions.get(chain) ?? new Admissions(this.#runtime, chain.filter.admissions);
    this.#admissions.set(chain, admissions);
    return admissions;
  }

  /** Takes over the handlers of chains that did not change, so that their connections stay; the others of `former` drain, and are returned. */
  succeed(former: ServedListener): ChainHandler[] {
    former.#replaced = true;
    if (former.#handlers.size === 0) return [];
    const left: ChainHandler[] = [];
    const { chains, defaultChain } = this.config;
    const byContent = new Map<string, CompiledFilterChain>();
    for (const chain of defaultChain === undefined ? chains : [...chains, defaultChain]) {
      byContent.set(JSON.stringify(chain.resource), chain);
    }
    for (const [chain, handler] of former.#handlers) {
      const same = byContent.get(JSON.stringify(chain.resource));
      if (same === undefined) {
        handler.drain();
        left.push(handler);
      } else this.#handlers.set(same, handler);
      const counted = former.#admissions.get(chain);
      if (same !== undefined && counted !== undefined) this.#admissions.set(same, counted);
    }
    return left;
  }

  /** Those of the chains that were used so far. */
  get handlers(): Iterable<ChainHandler> {
    return this.#handlers.values();
  }

  drain(): void {
    for (const handler of this.#handlers.values()) handler.drain();
  }

  #create(chain: CompiledFilterChain): ChainHandler {
    const runtime = this.#runtime;
    const { filter } = chain;
    if (filter.kind === 'tcp') return new TcpProxy(runtime, filter);
    if (filter.kind === 'plain') return new PlainHandler(runtime, filter);
    const { layers, report } = this.#handling;
    const http = new HttpConnectionManager({
      runtime,
      config: filter,
      layers: layers(filter),
      report,
      listenerPrefix: listenerPrefix(this.config),
    });
    return filter.guards.length === 0 ? http : new GuardedHttp(runtime, filter, http);
  }
}
