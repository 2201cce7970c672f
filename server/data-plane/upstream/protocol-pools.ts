import type { HostPool, RequestHead, ResponseSink, StreamWaiter } from '../http/codec.ts';

/** The pools of a host whose connections speak what the client spoke (use_downstream_protocol_config). */
export class ProtocolPools implements HostPool {
  readonly #create: (protocol: 'http1' | 'http2') => HostPool;
  readonly #pools = new Map<'http1' | 'http2', HostPool>();
  #draining = false;

  constructor(create: (protocol: 'http1' | 'http2') => HostPool) {
    this.#create = create;
  }

  newStream(sink: ResponseSink, waiter: StreamWaiter, protocol?: RequestHead['protocol']): () => void {
    return this.#poolFor(protocol === 'HTTP/2' ? 'http2' : 'http1').newStream(sink, waiter);
  }

  get activeConnections(): number {
    return this.#sum((pool) => pool.activeConnections);
  }

  get activeStreams(): number {
    return this.#sum((pool) => pool.activeStreams);
  }

  get pendingStreams(): number {
    return this.#sum((pool) => pool.pendingStreams);
  }

  drain(): void {
    this.#draining = true;
    for (const pool of this.#pools.values()) pool.drain();
  }

  renew(): void {
    for (const pool of this.#pools.values()) pool.renew();
  }

  close(): void {
    this.#draining = true;
    for (const pool of this.#pools.values()) pool.close();
  }

  #poolFor(protocol: 'http1' | 'http2'): HostPool {
    let pool = this.#pools.get(protocol);
    if (pool === undefined) {
      pool = this.#create(protocol);
      if (this.#draining) pool.drain();
      this.#pools.set(protocol, pool);
    }
    return pool;
  }

  #sum(count: (pool: HostPool) => number): number {
    let sum = 0;
    for (const pool of this.#pools.values()) sum += count(pool);
    return sum;
  }
}
