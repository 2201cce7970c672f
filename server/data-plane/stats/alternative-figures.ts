import { type Stats, statusNames } from './stats.ts';

type Origin = 'internal' | 'external';

/** Answers of a cluster as a client names them: `cluster.<name>.<client's name>.` (Envoy: source/common/http/codes.cc). */
export class AlternativeFigures {
  readonly #stats: Stats;
  readonly #prefix: string;

  constructor(stats: Stats, clusterPrefix: string, name: string) {
    this.#stats = stats;
    this.#prefix = `${clusterPrefix}${name}.`;
  }

  /** An answer of a host, or one in its place. */
  code(status: number, origin: Origin): void {
    for (const name of statusNames(status)) {
      this.#stats.stat(this.#prefix + name).value++;
      this.#stats.stat(`${this.#prefix}${origin}.${name}`).value++;
    }
  }

  /** The answer is complete, so long after the request was. */
  answered(ms: number, origin: Origin): void {
    for (const scope of ['', `${origin}.`]) this.#stats.histogram(`${this.#prefix}${scope}upstream_rq_time`).record(ms);
  }
}
