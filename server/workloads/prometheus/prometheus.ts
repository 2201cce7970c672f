import { errorMessage } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { answer, json } from '../respond.ts';
import { answerApi } from './api.ts';
import { readConfig, type ScrapeJob } from './config.ts';
import { Scraper } from './scraper.ts';
import { SeriesStore } from './series-store.ts';

/** What the published image has at this place. */
const DEFAULT_CONFIG = `global:
  scrape_interval: 15s
scrape_configs:
  - job_name: prometheus
    static_configs:
      - targets: ["localhost:9090"]
`;

/**
 * Prometheus as far as a lab needs it: scrapes what its prometheus.yml finds (static, DNS, pods), keeps a quarter of an hour in memory, answers PromQL
 * on 9090. Rules, alerts, remote storage and web pages are left out. The file is read at the start and by POST /-/reload.
 */
export const prometheusImage: WorkloadImage = {
  name: 'prometheus',
  start: async (context) => {
    const server = new Server(context);
    if (!server.load()) {
      context.exits(Promise.resolve(2));
      return;
    }
    await server.serve();
  },
};

class Server {
  readonly #context: ContainerContext;
  readonly #store = new SeriesStore();
  readonly #path: string;
  readonly #port: number;
  #config = '';
  #scrapers: readonly Scraper[] = [];
  /** Aborted when another file is in force. */
  #reading = new AbortController();

  constructor(context: ContainerContext) {
    this.#context = context;
    this.#path = flag(context.args, 'config.file') ?? '/etc/prometheus/prometheus.yml';
    this.#port = Number(/:(\d+)$/.exec(flag(context.args, 'web.listen-address') ?? '')?.[1] ?? 9090);
  }

  /** False: the file cannot be used, and what was in force stays. */
  load(): boolean {
    const { log, readFile, args } = this.#context;
    const given = readFile(this.#path)?.toString('utf8');
    const isNamed = flag(args, 'config.file') !== undefined;
    let jobs: readonly ScrapeJob[];
    try {
      if (given === undefined && isNamed) throw new Error(`open ${this.#path}: no such file or directory`);
      this.#config = given ?? DEFAULT_CONFIG;
      jobs = readConfig(this.#config);
    } catch (thrown) {
      log(`level=error msg="Error loading config" file=${this.#path} err=${JSON.stringify(errorMessage(thrown))}`);
      return false;
    }
    this.#reading.abort();
    this.#reading = new AbortController();
    const signal = AbortSignal.any([this.#context.signal, this.#reading.signal]);
    this.#scrapers = jobs.map((job) => new Scraper({ ...this.#context, signal }, job, this.#store));
    for (const scraper of this.#scrapers) scraper.start();
    log(`level=info msg="Completed loading of configuration file" filename=${this.#path}`);
    return true;
  }

  async serve(): Promise<void> {
    const { listen, log, clock } = this.#context;
    const world = {
      store: this.#store,
      now: () => clock.now(),
      targets: () => this.#scrapers.flatMap(({ states }) => states),
      config: () => this.#config,
    };
    await listen(this.#port, (request, response) => {
      if (request.method === 'POST' && request.url === '/-/reload') {
        const loaded = this.load();
        answer(response, {
          status: loaded ? 200 : 500,
          type: 'text/plain',
          body: loaded ? '' : 'failed to reload config\n',
        });
        return;
      }
      if (request.url === '/metrics') {
        const body = `# TYPE prometheus_tsdb_head_series gauge\nprometheus_tsdb_head_series ${this.#store.size}\n`;
        answer(response, { status: 200, type: 'text/plain; version=0.0.4', body });
        return;
      }
      answerApi(request, world)
        .catch((thrown: unknown) => json(500, { status: 'error', errorType: 'internal', error: errorMessage(thrown) }))
        .then((told) => answer(response, told));
    });
    log(`level=info msg="Server is ready to receive web requests." address=0.0.0.0:${this.#port}`);
  }
}

/** `--name=value`, as Prometheus takes its flags. */
const flag = (args: readonly string[], name: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3);
