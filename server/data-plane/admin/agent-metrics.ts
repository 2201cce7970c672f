import type { Clock } from '#domain';
import type { ProxyAdmin } from '../doors.ts';

export interface AgentSources {
  readonly admin: Pick<ProxyAdmin, 'secrets' | 'rotations'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Whose figures the agent adds to its own. Source: metrics.go in istio pilot/cmd/pilot-agent/metrics. */
type ScrapeSource = 'application' | 'envoy';

/** What Istio's agent counts of itself. */
export class AgentMetrics {
  readonly #sources: AgentSources;
  #scrapes = 0;
  readonly #failures = new Map<ScrapeSource, number>();

  constructor(sources: AgentSources) {
    this.#sources = sources;
  }

  /** Somebody asks for metrics. */
  scraped(): void {
    this.#scrapes++;
  }

  /** One of those that are asked did not tell its own. */
  failed(source: ScrapeSource): void {
    this.#failures.set(source, (this.#failures.get(source) ?? 0) + 1);
  }

  /**
   * Prometheus' text format, families in alphabetical order. Sources: pilot/cmd/pilot-agent/metrics and security/pkg/nodeagent/cache in
   * istio.
   */
  text(): string {
    const { admin, clock } = this.#sources;
    const left = admin
      .secrets()
      .map(({ name, notAfter }) => [name, (Date.parse(notAfter) - clock.now()) / 1000] as const);
    return [
      ...family(
        'cert_expiry_seconds',
        'gauge',
        CERT_HELP,
        left.map(([name, s]) => `{resource_name="${name}"} ${s}`),
      ),
      ...family('num_outgoing_requests', 'counter', REQUESTS_HELP, [
        `{request_type="csr"} ${admin.rotations().length}`,
      ]),
      ...(this.#failures.size === 0
        ? []
        : family(
            'scrape_failures_total',
            'counter',
            'The total number of failed scrapes.',
            [...this.#failures].sort().map(([type, count]) => `{type="${type}"} ${count}`),
          )),
      ...family('scrapes_total', 'counter', 'The total number of scrapes.', [` ${this.#scrapes}`]),
    ].join('');
  }
}

const CERT_HELP =
  'The time remaining, in seconds, before the certificate chain will expire. A negative value indicates the cert is expired.';
const REQUESTS_HELP = 'Number of total outgoing requests (e.g. to a token exchange server, CA, etc.)';

const family = (name: string, type: 'gauge' | 'counter', help: string, samples: readonly string[]): string[] => [
  `# HELP istio_agent_${name} ${help}\n# TYPE istio_agent_${name} ${type}\n`,
  ...samples.map((sample) => `istio_agent_${name}${sample}\n`),
];
