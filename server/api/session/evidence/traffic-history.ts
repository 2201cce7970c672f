import type { MetricSeries, MetricsView } from '#contract';
import type { RequestSummary } from '#telemetry';
import { Latencies } from './latencies.ts';

/** Seconds that are kept. */
const KEPT_S = 1800;
/** Edges that are kept apart; requests of later ones are counted and left out. */
const MOST_EDGES = 64;
/** Points of a series, at most. */
const POINTS = 90;

interface Workload {
  readonly service: string;
  readonly version: string;
}

/** One edge in one second. */
class Cell {
  requests = 0;
  errors = 0;
  /** Milliseconds of this second during which requests were under way, added up. */
  busyMs = 0;
  readonly flags = new Map<string, number>();
  readonly latencies = new Latencies();

  join(other: Cell): void {
    this.requests += other.requests;
    this.errors += other.errors;
    this.busyMs += other.busyMs;
    for (const [flag, count] of other.flags) this.flags.set(flag, (this.flags.get(flag) ?? 0) + count);
    this.latencies.join(other.latencies);
  }
}

interface Edge {
  readonly source: Workload;
  readonly destination: Workload;
  readonly seconds: Map<number, Cell>;
}

export interface MetricsQuery {
  readonly by: 'edge' | 'service' | 'version';
  readonly seconds: number;
  readonly untilMs: number;
}

/** Golden signals of each edge, second by second: traffic, errors, latency, and how much is under way at a time. */
export class TrafficHistory {
  readonly #edges = new Map<string, Edge>();
  readonly #leftOut = new Set<string>();

  /** Counts a finished request: in the second of its end, and as under way in each second that it touched. */
  note(request: RequestSummary): void {
    const { source, destination, startMs, durationMs, standsFor = 1 } = request;
    const key = [source.service, source.version, destination.service, destination.version].join('\n');
    const edge = this.#edge(key, source, destination);
    if (edge === undefined) return;
    const endMs = startMs + durationMs;
    const cell = cellOf(edge, Math.floor(endMs / 1000));
    cell.requests += standsFor;
    cell.latencies.add(durationMs, standsFor);
    if (isError(request)) cell.errors += standsFor;
    for (const flag of request.flags) cell.flags.set(flag, (cell.flags.get(flag) ?? 0) + standsFor);
    const last = Math.floor(endMs / 1000);
    for (let second = Math.max(Math.floor(startMs / 1000), last - KEPT_S); second <= last; second++) {
      const overlap = Math.min(endMs, (second + 1) * 1000) - Math.max(startMs, second * 1000);
      cellOf(edge, second).busyMs += Math.max(0, overlap) * standsFor;
    }
  }

  /** Series of whole steps that end at or before `untilMs`. */
  read({ by, seconds, untilMs }: MetricsQuery): MetricsView {
    const stepS = Math.max(1, Math.ceil(seconds / POINTS));
    const steps = Math.ceil(seconds / stepS);
    const untilS = Math.floor(untilMs / 1000 / stepS) * stepS;
    const fromS = untilS - steps * stepS;
    const groups = new Map<string, { series: Pick<MetricSeries, 'key' | 'from' | 'to'>; cells: Cell[] }>();
    for (const edge of this.#edges.values()) {
      const series = seriesOf(edge, by);
      const group = groups.get(series.key) ?? { series, cells: Array.from({ length: steps }, () => new Cell()) };
      groups.set(series.key, group);
      for (const [second, cell] of edge.seconds) {
        if (second < fromS || second >= untilS) continue;
        group.cells[Math.floor((second - fromS) / stepS)]?.join(cell);
      }
    }
    const series = [...groups.values()].map(({ series: head, cells }) => ({ ...head, ...figuresOf(cells, stepS) }));
    return {
      fromMs: fromS * 1000,
      untilMs: untilS * 1000,
      stepMs: stepS * 1000,
      series: series
        .filter(({ total, inFlight }) => total.requests > 0 || inFlight.some((value) => value > 0))
        .sort((a, b) => b.total.requests - a.total.requests || a.key.localeCompare(b.key)),
      leftOut: this.#leftOut.size,
    };
  }

  #edge(key: string, source: Workload, destination: Workload): Edge | undefined {
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    if (this.#edges.size >= MOST_EDGES) {
      if (this.#leftOut.size < 1000) this.#leftOut.add(key);
      return undefined;
    }
    const edge = { source, destination, seconds: new Map<number, Cell>() };
    this.#edges.set(key, edge);
    return edge;
  }
}

const isError = ({ status, flags }: RequestSummary): boolean => status >= 500 || (status === 0 && flags.length > 0);

function cellOf({ seconds }: Edge, second: number): Cell {
  const known = seconds.get(second);
  if (known !== undefined) return known;
  const cell = new Cell();
  seconds.set(second, cell);
  for (const oldest of seconds.keys()) {
    if (seconds.size <= KEPT_S) break;
    seconds.delete(oldest);
  }
  return cell;
}

function seriesOf({ source, destination }: Edge, by: MetricsQuery['by']): Pick<MetricSeries, 'key' | 'from' | 'to'> {
  const { service, version } = destination;
  if (by === 'service') return { key: service, to: { service, version: '' } };
  const to = { service, version };
  if (by === 'version') return { key: nameOf(to), to };
  return { key: `${nameOf(source)}>${nameOf(to)}`, from: source, to };
}

const nameOf = ({ service, version }: Workload): string => (version === '' ? service : `${service}@${version}`);

const round = (value: number): number => Number(value.toFixed(3));

function figuresOf(cells: readonly Cell[], stepS: number): Omit<MetricSeries, 'key' | 'from' | 'to'> {
  const all = new Cell();
  for (const cell of cells) all.join(cell);
  const percentiles = (percent: number): (number | null)[] =>
    cells.map(({ latencies }) => latencies.percentile(percent) ?? null);
  const [p50, p90, p99] = [50, 90, 99].map((percent) => all.latencies.percentile(percent));
  return {
    rps: cells.map(({ requests }) => round(requests / stepS)),
    errorShare: cells.map(({ requests, errors }) => (requests === 0 ? null : round(errors / requests))),
    p50: percentiles(50),
    p90: percentiles(90),
    p99: percentiles(99),
    inFlight: cells.map(({ busyMs }) => round(busyMs / 1000 / stepS)),
    total: {
      requests: all.requests,
      errors: all.errors,
      flags: Object.fromEntries(all.flags),
      ...(p50 !== undefined && { p50 }),
      ...(p90 !== undefined && { p90 }),
      ...(p99 !== undefined && { p99 }),
    },
  };
}
