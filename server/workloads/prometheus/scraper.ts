import { errorMessage, type Timer } from '#domain';
import type { ContainerContext } from '../doors.ts';
import type { ScrapeJob } from './config.ts';
import { readExposition, type Told } from './exposition.ts';
import { keyOf, type Labels } from './promql/index.ts';
import { type Relabel, relabeling } from './relabel.ts';
import type { SeriesStore } from './series-store.ts';
import { discover, type Target } from './targets.ts';

/** The last look at a target. */
export interface TargetState {
  readonly target: Target;
  readonly lastMs: number | undefined;
  readonly tookMs: number;
  readonly error: string;
}

interface Watched {
  target: Target;
  lastMs: number | undefined;
  tookMs: number;
  error: string;
  /** Series that the last look found. */
  keys: ReadonlySet<string>;
}

/** Reads a job's targets at its interval until the container stops. */
export class Scraper {
  readonly #context: ContainerContext;
  readonly #job: ScrapeJob;
  readonly #store: SeriesStore;
  readonly #relabel: Relabel;
  readonly #watched = new Map<string, Watched>();
  #timer: Timer | undefined;

  constructor(context: ContainerContext, job: ScrapeJob, store: SeriesStore) {
    this.#context = context;
    this.#job = job;
    this.#store = store;
    this.#relabel = relabeling(job.metric_relabel_configs);
    context.signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
  }

  get states(): readonly TargetState[] {
    return [...this.#watched.values()];
  }

  start(): void {
    if (this.#context.signal.aborted) return;
    this.#timer = this.#context.clock.after(this.#job.intervalMs, () => this.start());
    this.#look().catch((thrown: unknown) =>
      this.#context.log(`level=error component="scrape manager" err=${JSON.stringify(errorMessage(thrown))}`),
    );
  }

  async #look(): Promise<void> {
    const targets = discover(this.#job, this.#context);
    const present = new Set(targets.map(({ url }) => url));
    const nowMs = this.#context.clock.now();
    for (const [url, { keys }] of this.#watched) {
      if (present.has(url)) continue;
      for (const key of keys) this.#store.end(key, nowMs);
      this.#watched.delete(url);
    }
    await Promise.all(targets.map((target) => this.#scrape(target)));
    this.#store.forgetOld(nowMs);
  }

  async #scrape(target: Target): Promise<void> {
    const { clock, fetch, signal } = this.#context;
    const watched = this.#watched.get(target.url) ?? {
      target,
      lastMs: undefined,
      tookMs: 0,
      error: '',
      keys: new Set(),
    };
    watched.target = target;
    this.#watched.set(target.url, watched);
    const [atMs, began] = [clock.now(), clock.monotonic()];
    let told: readonly Told[] = [];
    try {
      const answer = await fetch(target.url, {
        headers: { accept: 'text/plain;version=0.0.4', 'user-agent': 'Prometheus/3.5.0' },
        timeoutMs: this.#job.timeoutMs,
        signal,
      });
      if (answer.status !== 200) throw new Error(`server returned HTTP status ${answer.status}`);
      told = readExposition(answer.body.toString('utf8'));
      watched.error = '';
    } catch (thrown) {
      if (signal.aborted) return;
      watched.error = `Get "${target.url}": ${errorMessage(thrown)}`;
    }
    watched.lastMs = atMs;
    watched.tookMs = clock.monotonic() - began;
    this.#keep(watched, told, atMs);
  }

  /** Times are when the look began. Series that are not told any more end. */
  #keep(watched: Watched, told: readonly Told[], atMs: number): void {
    const { labels } = watched.target;
    const keys = new Set<string>();
    const keep = (own: Labels, value: number): void => {
      const key = keyOf(own);
      if (this.#store.append(key, own, atMs, value)) keys.add(key);
    };
    let kept = 0;
    for (const sample of told) {
      const own = this.#relabel(
        this.#job.honor_labels ? { ...labels, ...sample.labels } : joined(sample.labels, labels),
      );
      if (own === undefined) continue;
      kept++;
      keep(own, sample.value);
    }
    const failed = watched.error !== '';
    keep({ ...labels, __name__: 'up' }, failed ? 0 : 1);
    keep({ ...labels, __name__: 'scrape_duration_seconds' }, watched.tookMs / 1000);
    keep({ ...labels, __name__: 'scrape_samples_scraped' }, told.length);
    keep({ ...labels, __name__: 'scrape_samples_post_metric_relabeling' }, kept);
    for (const key of watched.keys) if (!keys.has(key)) this.#store.end(key, atMs);
    watched.keys = keys;
  }
}

/** The target's labels win; the sample's own stays as `exported_…`. */
function joined(own: Labels, target: Labels): Labels {
  const all: Record<string, string> = { ...own, ...target };
  for (const [name, value] of Object.entries(own)) if (name in target) all[`exported_${name}`] = value;
  return all;
}
