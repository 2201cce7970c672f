import type { Http2Counter, Http2Figure } from '../http/h2/http2-counter.ts';
import { HTTP2_NAMES } from './declared-names.ts';
import type { Stat, Stats } from './stats.ts';

/** The figures `<prefix>http2.*`: of one cluster's connections, or of those of all clients. */
export class Http2Stats implements Http2Counter {
  readonly #stats: Stats;
  readonly #prefix: string;
  readonly #active: Stat;

  static of(stats: Stats, prefix: string): Http2Stats {
    return stats.shared(`${prefix}http2.`, () => new Http2Stats(stats, `${prefix}http2.`));
  }

  private constructor(stats: Stats, prefix: string) {
    this.#stats = stats;
    this.#prefix = prefix;
    stats.declare(prefix, HTTP2_NAMES);
    this.#active = stats.level(`${prefix}streams_active`);
  }

  count(figure: Http2Figure): void {
    this.#stats.stat(this.#prefix + figure).value++;
  }

  streams(by: 1 | -1): void {
    this.#active.value += by;
  }
}
