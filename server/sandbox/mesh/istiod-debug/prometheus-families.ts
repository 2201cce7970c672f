/** Families of one page in Prometheus' text format, in alphabetical order, each with its help as istiod words its own. */
export class PrometheusPage {
  readonly #families = new Map<string, string[]>();

  /** `samples`: labels as text (`type="cds"`), or none, and the value. A family without samples is left out. */
  add(
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    samples: Iterable<readonly [labels: string, value: number]>,
  ): void {
    const lines = [...samples].map(([labels, value]) => `${name}${braced(labels)} ${value}\n`);
    this.#hold(name, type, help, lines);
  }

  addHistogram(name: string, help: string, samples: Iterable<readonly [labels: string, seconds: Distribution]>): void {
    const lines = [...samples].flatMap(([labels, held]) => held.lines(name, labels));
    this.#hold(name, 'histogram', help, lines);
  }

  text(): string {
    return [...this.#families]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, lines]) => lines.join(''))
      .join('');
  }

  #hold(name: string, type: string, help: string, lines: readonly string[]): void {
    if (lines.length > 0) this.#families.set(name, [`# HELP ${name} ${help}\n`, `# TYPE ${name} ${type}\n`, ...lines]);
  }
}

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

/** How many values are not above each bound, with their sum. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  record(value: number): void {
    for (const [place, bound] of this.#bounds.entries()) if (value <= bound) this.#counts[place]!++;
    this.#sum += value;
    this.#count++;
  }

  lines(name: string, labels: string): string[] {
    const before = labels === '' ? '' : `${labels},`;
    const bucket = (bound: string, count: number): string => `${name}_bucket{${before}le="${bound}"} ${count}\n`;
    return [
      ...this.#bounds.map((bound, place) => bucket(boundText(bound), this.#counts[place]!)),
      bucket('+Inf', this.#count),
      `${name}_sum${braced(labels)} ${this.#sum}\n`,
      `${name}_count${braced(labels)} ${this.#count}\n`,
    ];
  }
}

/** As Go prints it: a million is 1e+06. */
const boundText = (bound: number): string =>
  bound < 1_000_000 ? String(bound) : bound.toExponential().replace(/e\+(\d)$/, 'e+0$1');
