import type { Socket } from 'node:net';
import type { HttpFilterConfig } from '../config/network-filter.ts';
import { recordDenial } from '../decisions/refusal-record.ts';
import type { HttpConnectionManager } from '../http/connection-manager.ts';
import { StreamInfo } from '../http/stream-info.ts';
import type { ChainHandler } from '../listener/chain-handler.ts';
import type { ConnectionContext } from '../listener/connection-context.ts';
import { closeLater } from '../listener/turn-away.ts';
import type { ProxyRuntime } from '../runtime.ts';
import { type ConnectionDenial, judgeConnection, tellDenial } from './judge.ts';

/** An HTTP connection manager behind network filters that judge its connections: as in Envoy, at their first bytes. */
export class GuardedHttp implements ChainHandler {
  readonly #runtime: ProxyRuntime;
  readonly #config: HttpFilterConfig;
  readonly #http: HttpConnectionManager;
  /** Connections that have not spoken or are being judged. */
  readonly #held = new Set<Socket>();

  constructor(runtime: ProxyRuntime, config: HttpFilterConfig, http: HttpConnectionManager) {
    this.#runtime = runtime;
    this.#config = config;
    this.#http = http;
  }

  get busy(): number {
    return this.#http.busy + this.#held.size;
  }

  get connections(): number {
    return this.#http.connections + this.#held.size;
  }

  readonly turnedAway: ChainHandler['turnedAway'] = (socket, broken) => this.#http.turnedAway(socket, broken);

  drain(): void {
    this.#http.drain();
  }

  close(): void {
    for (const socket of this.#held) socket.destroy();
    this.#http.close();
  }

  serve(socket: Socket, context: ConnectionContext): void {
    const { clock } = this.#runtime;
    const { guards, serving } = this.#config;
    const track = this.#http.track(socket, context.tls !== undefined);
    const idleMs = serving.idleTimeoutMs ?? 0;
    const idle = idleMs === 0 ? undefined : clock.after(idleMs, () => socket.destroy());
    let cancel = (): void => undefined;
    this.#held.add(socket);
    const letGo = (): void => {
      this.#held.delete(socket);
      idle?.cancel();
      socket.off('data', onFirst).off('end', onGone).off('close', onClose);
    };
    const onGone = (): void => {
      socket.destroy();
    };
    const onClose = (): void => {
      letGo();
      cancel();
      track.ended();
      context.onEnd?.(undefined);
    };
    const onFirst = (first: Buffer): void => {
      socket.pause();
      socket.off('data', onFirst);
      const onShadow = (): void => undefined;
      cancel = judgeConnection(guards, { runtime: this.#runtime, context, onShadow }, (denial) => {
        if (socket.destroyed) return;
        if (denial !== undefined) {
          this.#refuse(socket, context, denial);
          return;
        }
        letGo();
        socket.unshift(first);
        this.#http.serve(socket, context, track);
      });
    };
    // 'close' follows every error and does the work.
    socket.on('error', () => undefined);
    socket.on('data', onFirst).on('end', onGone).on('close', onClose);
    socket.resume();
  }

  #refuse(socket: Socket, context: ConnectionContext, denial: ConnectionDenial): void {
    const runtime = this.#runtime;
    const info = context.info ?? new StreamInfo(runtime.clock.now(), runtime.clock.monotonic());
    info.bytesReceived = socket.bytesRead;
    tellDenial(info, denial);
    recordDenial({ runtime, context, info, denial });
    closeLater(runtime.clock, socket, { delayMs: denial.delayMs, close: () => socket.destroy() });
  }
}
