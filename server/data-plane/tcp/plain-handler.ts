import type { Socket } from 'node:net';
import type { PlainFilterConfig } from '../config/network-filter.ts';
import { recordDenial } from '../decisions/refusal-record.ts';
import { judgeConnection, tellDenial } from '../guards/judge.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ChainHandler } from '../listener/chain-handler.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import { closeLater } from '../listener/turn-away.ts';
import type { ProxyRuntime } from '../runtime.ts';

/** Envoy's direct_response and echo of connections. */
export class PlainHandler implements ChainHandler {
  readonly #runtime: ProxyRuntime;
  readonly #config: PlainFilterConfig;
  readonly #open = new Set<Socket>();

  constructor(runtime: ProxyRuntime, config: PlainFilterConfig) {
    this.#runtime = runtime;
    this.#config = config;
  }

  get busy(): number {
    return this.#open.size;
  }

  get connections(): number {
    return this.#open.size;
  }

  serve(socket: Socket, context: ConnectionContext): void {
    const { clock } = this.#runtime;
    const { guards, response } = this.#config;
    const info = context.info ?? new StreamInfo(clock.now(), clock.monotonic());
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#open.delete(socket);
      info.bytesSent = socket.bytesWritten;
      context.onEnd?.(undefined);
    });
    if (response !== undefined) {
      // It speaks before the client does, so there is nothing to judge.
      info.details = 'direct_response';
      socket.end(response, () => socket.destroy());
      return;
    }
    socket.on('data', (chunk: Buffer) => {
      info.bytesReceived += chunk.length;
    });
    if (guards.length === 0) socket.pipe(socket);
    else socket.once('data', (first: Buffer) => this.#judge(socket, context, { info, first }));
  }

  /** Every connection is over as soon as its client says so. */
  drain(): void {
    // Nothing to announce at this level.
  }

  turnedAway(): void {
    // These filters count nothing.
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }

  #judge(
    socket: Socket,
    context: ConnectionContext,
    { info, first }: { readonly info: StreamInfo; readonly first: Buffer },
  ): void {
    const runtime = this.#runtime;
    socket.pause();
    const cancel = judgeConnection(this.#config.guards, { runtime, context, onShadow: () => undefined }, (denial) => {
      if (socket.destroyed) return;
      if (denial === undefined) {
        socket.write(first);
        socket.pipe(socket);
        return;
      }
      tellDenial(info, denial);
      recordDenial({ runtime, context, info, denial });
      closeLater(runtime.clock, socket, { delayMs: denial.delayMs, close: () => socket.destroy() });
    });
    socket.once('close', cancel);
  }
}
