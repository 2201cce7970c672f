import type { FleetingHop, HopRecord } from '#domain';
import type { AccessLogger } from '../config/access-log/index.ts';
import type { Exchange } from '../http/exchange.ts';
import { buildHop } from './hop-record.ts';

/** A hop that is over and holds on to its request, so that its record can still be made. */
export class FinishedHop implements FleetingHop {
  readonly #exchange: Exchange;
  readonly #log: AccessLogger;

  /** `log` writes the line that it has in the access log. */
  constructor(exchange: Exchange, log: AccessLogger) {
    this.#exchange = exchange;
    this.#log = log;
    // Notes tell what is so when the hop ends.
    exchange.steps.end();
  }

  get requestId(): string {
    return this.#exchange.requestId;
  }

  isOf(traceId: string): boolean {
    return this.#exchange.span.traceId === traceId;
  }

  record(): HopRecord {
    return buildHop(this.#exchange, String(this.#log(this.#exchange) ?? ''));
  }
}
