import type { CompiledFilterChain, CompiledListener } from '../config/listener-config.ts';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { HttpConnectionManager } from '../http/connection-manager.ts';
import type { RequestLayer } from '../http/exchange.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { ListenerStats, listenerPrefix } from '../stats/listener-stats.ts';
import type { RequestReport } from '../stats/request-metrics.ts';
import { TcpProxy } from '../tcp/tcp-proxy.ts';

/** How the requests of a listener are handled: outbound, inbound or at a gateway. */
export interface RequestHandling {
  readonly report: RequestReport;
  readonly layers: (config: HttpFilterConfig) => readonly RequestLayer[];
}

export type ChainHandler = HttpConnectionManager | TcpProxy;

/** A listener in force with the handlers of its filter chains, made when first used. */
export class ServedListener {
  readonly config: CompiledListener;
  readonly stats: ListenerStats;
  readonly #runtime: ProxyRuntime;
  readonly #handling: RequestHandling;
  readonly #handlers = new Map<CompiledFilterChain, ChainHandler>();
  #replaced = false;

  constructor(config: CompiledListener, runtime: ProxyRuntime, handling: RequestHandling) {
    this.config = config;
    this.stats = ListenerStats.of(runtime.stats, config);
    this.#runtime = runtime;
    this.#handling = handling;
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

  /** Takes over the handlers of chains that did not change, so that their connections stay; the others of `former` drain. */
  succeed(former: ServedListener): void {
    former.#replaced = true;
    const { chains, defaultChain } = this.config;
    const byContent = new Map<string, CompiledFilterChain>();
    for (const chain of defaultChain === undefined ? chains : [...chains, defaultChain]) {
      byContent.set(JSON.stringify(chain.resource), chain);
    }
    for (const [chain, handler] of former.#handlers) {
      const same = byContent.get(JSON.stringify(chain.resource));
      if (same === undefined) handler.drain();
      else this.#handlers.set(same, handler);
    }
  }

  drain(): void {
    for (const handler of this.#handlers.values()) handler.drain();
  }

  close(): void {
    for (const handler of this.#handlers.values()) handler.close();
  }

  /** Connections with something under way. */
  get busy(): number {
    let sum = 0;
    for (const handler of this.#handlers.values()) sum += handler.busy;
    return sum;
  }

  #create(chain: CompiledFilterChain): ChainHandler {
    const runtime = this.#runtime;
    const { filter } = chain;
    if (filter.kind === 'tcp') return new TcpProxy(runtime, filter);
    const { layers, report } = this.#handling;
    return new HttpConnectionManager({
      runtime,
      config: filter,
      layers: layers(filter),
      report,
      listenerPrefix: listenerPrefix(this.config),
    });
  }
}
