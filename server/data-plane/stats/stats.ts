import type { StatValues } from '../doors.ts';
import { Histogram } from './histogram.ts';
import { RecentLookups } from './recent-lookups.ts';

/** A counter or a gauge; holders keep it and change `value`, so that the hot path builds no names. */
export interface Stat {
  value: number;
}

/** What an answer of a host moves; statuses beyond 599 have no class (Envoy: source/common/http/codes.cc). */
export const statusNames = (status: number): readonly string[] =>
  status < 600
    ? [`upstream_rq_${status}`, `upstream_rq_${Math.floor(status / 100)}xx`, 'upstream_rq_completed']
    : ['upstream_rq_unknown', 'upstream_rq_completed'];

/** All figures of one proxy by Envoy's dotted names. */
export class Stats {
  readonly lookups = new RecentLookups();
  readonly #counters = new Map<string, Stat>();
  readonly #levels = new Map<string, Stat>();
  readonly #gauges = new Map<string, () => number>();
  /** Counters that are summed up when asked for. */
  readonly #sums = new Map<string, () => number>();
  /** What such counters were at the last reset. */
  readonly #before = new Map<string, number>();
  /** Figures of which even the names depend on what is in force. */
  readonly #derived: (() => Iterable<readonly [name: string, value: number]>)[] = [];
  readonly #histograms = new Map<string, Histogram>();
  readonly #shared = new Map<string, unknown>();
  /** By prefix: names that exist from the start, at 0. */
  readonly #declared = new Map<string, readonly string[]>();
  /** The same of histograms, which are empty then. */
  readonly #declaredHistograms = new Map<string, readonly string[]>();
  /** By prefix: labels of figures that their names do not tell. */
  readonly #labels = new Map<string, Readonly<Record<string, string>>>();
  /** Prefixes whose figures are gone as soon as somebody looks. */
  readonly #forgotten = new Set<string>();

  /** The counter of this name, made at 0 when new. */
  stat(name: string): Stat {
    if (this.lookups.enabled) this.lookups.note(name);
    this.#forgetFor(name);
    return made(this.#counters, name);
  }

  /** A gauge that its holder moves up and down; a reset of counters leaves it as it is. */
  level(name: string): Stat {
    this.#forgetFor(name);
    return made(this.#levels, name);
  }

  /** A figure that is read when asked for. */
  gauge(name: string, read: () => number): void {
    this.#forgetFor(name);
    this.#gauges.set(name, read);
  }

  /** A counter that is summed up when asked for. */
  sum(name: string, read: () => number): void {
    this.#forgetFor(name);
    this.#sums.set(name, read);
  }

  /** Figures that are worked out when asked for, names and all. */
  derive(read: () => Iterable<readonly [name: string, value: number]>): void {
    this.#derived.push(read);
  }

  /** One object for all who count under the same prefix, made for the first. */
  shared<Counts extends object>(prefix: string, make: () => Counts): Counts {
    this.#forgetFor(prefix);
    const held = this.#shared.get(prefix) as Counts | undefined;
    if (held !== undefined) return held;
    const counts = make();
    this.#shared.set(prefix, counts);
    return counts;
  }

  /** Of whole numbers: times in milliseconds, mostly. */
  histogram(name: string): Histogram {
    this.#forgetFor(name);
    let histogram = this.#histograms.get(name);
    if (histogram === undefined) {
      histogram = new Histogram();
      this.#histograms.set(name, histogram);
    }
    return histogram;
  }

  /** Names under `prefix` that Envoy shows before they are counted. They cost nothing until then. */
  declare(prefix: string, names: readonly string[], histograms: readonly string[] = []): void {
    this.#forgetFor(prefix);
    this.#declared.set(prefix, names);
    if (histograms.length > 0) this.#declaredHistograms.set(prefix, histograms);
  }

  /** All figures of `prefix`, which ends in a dot, have these labels besides those that their names tell. */
  label(prefix: string, labels: Readonly<Record<string, string>>): void {
    this.#forgetFor(prefix);
    this.#labels.set(prefix, labels);
  }

  /** Undefined: none but what the name tells. */
  labelsOf(name: string): Readonly<Record<string, string>> | undefined {
    this.#forgetFor(name);
    return this.#labels.size === 0 ? undefined : this.#labels.get(name.slice(0, name.lastIndexOf('.') + 1));
  }

  /** Forgets every figure whose name begins with `prefix`, which ends in a dot. */
  remove(prefix: string): void {
    this.#forgotten.add(prefix);
  }

  /** A push may take a thousand clusters away: their figures are looked for once, before something under their names is made, or all is read. */
  #forgetFor(name: string): void {
    if (this.#forgotten.size === 0) return;
    if (this.#forgotten.size >= MOST_FORGOTTEN || this.#isForgotten(name)) this.#forget();
  }

  #forget(): void {
    if (this.#forgotten.size === 0) return;
    const maps: Map<string, unknown>[] = [
      this.#counters,
      this.#levels,
      this.#gauges,
      this.#sums,
      this.#shared,
      this.#histograms,
      this.#declared,
      this.#declaredHistograms,
      this.#labels,
    ];
    for (const map of maps) for (const name of map.keys()) if (this.#isForgotten(name)) map.delete(name);
    this.#forgotten.clear();
  }

  #isForgotten(name: string): boolean {
    for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1))
      if (this.#forgotten.has(name.slice(0, dot + 1))) return true;
    return false;
  }

  /** Sets every counter to 0, as `/reset_counters` does; gauges tell what is, and stay. */
  reset(): void {
    for (const stat of this.#counters.values()) stat.value = 0;
    for (const [name, value] of this.#read()) if (!this.isGauge(name)) this.#before.set(name, value);
  }

  /** Counters that are worked out when asked for, since the start. */
  *#read(): Generator<readonly [name: string, value: number]> {
    for (const [name, read] of this.#sums) yield [name, read()];
    for (const read of this.#derived) yield* read();
  }

  /** Counters and gauges that have been made, by name. */
  values(): StatValues {
    this.#forget();
    return sorted(this.#made());
  }

  /** As `values`, with every declared name. */
  complete(): StatValues {
    this.#forget();
    const values = new Map<string, number>();
    for (const [prefix, names] of this.#declared) for (const name of names) values.set(prefix + name, 0);
    for (const [name, value] of this.#made()) values.set(name, value);
    return sorted(values);
  }

  /** With every declared one. */
  histograms(): ReadonlyMap<string, Histogram> {
    this.#forget();
    const all = new Map<string, Histogram>();
    for (const [prefix, names] of this.#declaredHistograms) for (const name of names) all.set(prefix + name, EMPTY);
    for (const [name, histogram] of this.#histograms) all.set(name, histogram);
    return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** What of `values` goes up and down. */
  isGauge(name: string): boolean {
    this.#forgetFor(name);
    return this.#gauges.has(name) || this.#levels.has(name) || GAUGE_NAME.test(name);
  }

  #made(): Map<string, number> {
    const values = new Map<string, number>();
    for (const [name, stat] of this.#counters) values.set(name, stat.value);
    for (const [name, stat] of this.#levels) values.set(name, stat.value);
    for (const [name, read] of this.#gauges) values.set(name, read());
    for (const [name, value] of this.#read()) values.set(name, value - (this.#before.get(name) ?? 0));
    return values;
  }
}

/** What is forgotten takes memory until it is looked for. */
const MOST_FORGOTTEN = 2000;

/** Stands for all that nothing was recorded in. */
const EMPTY = new Histogram();

/** Gauges that are declared and have not been made yet. */
const GAUGE_NAME = new RegExp(
  '_(?:active|buffered|(?<!failed_)open|state|time|time_ms|epoch|overridden|keys|layers|pinned|draining|soft_drain)$|' +
    '[._](?:max_host_weight|fips_mode|active|active_faults|active_connections|parent_connections|pending_send_bytes|' +
    'total_connections|deferred_stream_close|upstream_queue_overloaded|since_process_start|' +
    'until_first_ocsp_response_expiring)$',
);

function made(map: Map<string, Stat>, name: string): Stat {
  let stat = map.get(name);
  if (stat === undefined) {
    stat = { value: 0 };
    map.set(name, stat);
  }
  return stat;
}

const sorted = (values: ReadonlyMap<string, number>): StatValues =>
  new Map([...values].sort(([a], [b]) => (a < b ? -1 : 1)));
