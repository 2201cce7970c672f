import type { ProxyAdmin, ProxyEndpoint, StatValues } from '#data-plane';
import type { Clock } from '#domain';

/** Somebody who looks again and again sees what is no older than this. */
const STALE_MS = 100;

type Pages = 'config' | 'clusters' | 'stats';
type Shown = Pick<ProxyAdmin, 'listeners' | 'routes' | 'clusters' | 'endpoints' | 'configDump' | 'stats'>;

interface ConfigDump {
  readonly configs?: readonly {
    readonly dynamic_listeners?: readonly { readonly active_state?: { readonly listener?: object } }[];
    readonly dynamic_route_configs?: readonly { readonly route_config?: object }[];
    readonly dynamic_active_clusters?: readonly { readonly cluster?: object }[];
  }[];
}

interface ClustersPage {
  readonly cluster_statuses?: readonly {
    readonly name: string;
    readonly host_statuses?: readonly HostStatus[];
  }[];
}

interface HostStatus {
  readonly address?: { readonly socket_address?: { readonly address?: string; readonly port_value?: number } };
  readonly stats?: readonly { readonly name?: string; readonly value?: string }[];
  readonly health_status?: {
    readonly eds_health_status?: string;
    readonly failed_outlier_check?: boolean;
    readonly failed_active_health_check?: boolean;
  };
}

/**
 * What a real Envoy shows on its admin port, as it was when it was last read: `refresh` reads it anew, and so does, for those who look later,
 * everybody who looks at something old.
 */
export class EnvoyView implements Shown {
  readonly #ask: (path: string) => Promise<string>;
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #readAt = new Map<Pages, number>();
  readonly #underWay = new Map<Pages, Promise<void>>();
  #dump: ConfigDump = { configs: [] };
  #endpoints: readonly ProxyEndpoint[] = [];
  #stats: StatValues = new Map();

  constructor(ask: (path: string) => Promise<string>, clock: Pick<Clock, 'monotonic'>) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** An Envoy that does not answer shows what it did before. */
  async refresh(): Promise<void> {
    // What is read already may have been asked for before the caller's reason to ask.
    await Promise.all(this.#underWay.values());
    await Promise.all((['config', 'clusters', 'stats'] as const).map((page) => this.#read(page)));
  }

  listeners(): readonly object[] {
    return this.#parts(({ dynamic_listeners = [] }) => dynamic_listeners.map((each) => each.active_state?.listener));
  }

  routes(): readonly object[] {
    return this.#parts(({ dynamic_route_configs = [] }) => dynamic_route_configs.map((each) => each.route_config));
  }

  clusters(): readonly object[] {
    return this.#parts(({ dynamic_active_clusters = [] }) => dynamic_active_clusters.map((each) => each.cluster));
  }

  configDump(): object {
    this.#freshen('config');
    return this.#dump;
  }

  endpoints(): readonly ProxyEndpoint[] {
    this.#freshen('clusters');
    return this.#endpoints;
  }

  stats(): StatValues {
    this.#freshen('stats');
    return this.#stats;
  }

  #parts(of: (section: NonNullable<ConfigDump['configs']>[number]) => readonly (object | undefined)[]): object[] {
    this.#freshen('config');
    return (this.#dump.configs ?? []).flatMap((section) => of(section).filter((each) => each !== undefined));
  }

  #freshen(page: Pages): void {
    const readAt = this.#readAt.get(page) ?? Number.NEGATIVE_INFINITY;
    if (this.#clock.monotonic() - readAt > STALE_MS) void this.#read(page);
  }

  #read(page: Pages): Promise<void> {
    const known = this.#underWay.get(page);
    if (known !== undefined) return known;
    // An Envoy that ends or starts does not answer: what was read last stays, and the next look asks again.
    const read = this.#take(page)
      .catch(() => undefined)
      .then(() => {
        this.#readAt.set(page, this.#clock.monotonic());
        this.#underWay.delete(page);
      });
    this.#underWay.set(page, read);
    return read;
  }

  async #take(page: Pages): Promise<void> {
    switch (page) {
      case 'config':
        this.#dump = withoutTypes(JSON.parse(await this.#ask('/config_dump')) as ConfigDump);
        return;
      case 'clusters':
        this.#endpoints = endpointsOf(JSON.parse(await this.#ask('/clusters?format=json')) as ClustersPage);
        return;
      case 'stats':
        this.#stats = statsOf(await this.#ask('/stats'));
    }
  }
}

/** The resources of a dump say of which type they are, which those of our own proxies do not. */
function withoutTypes(dump: ConfigDump): ConfigDump {
  const bare = <Entry extends object>(entry: Entry, field: keyof Entry): Entry => {
    const { '@type': _, ...resource } = (entry[field] ?? {}) as Readonly<Record<string, unknown>>;
    return entry[field] === undefined ? entry : { ...entry, [field]: resource };
  };
  const configs = dump.configs?.map((section) => ({
    ...section,
    ...(section.dynamic_listeners && {
      dynamic_listeners: section.dynamic_listeners.map(({ active_state, ...rest }) => ({
        ...rest,
        ...(active_state && { active_state: bare(active_state, 'listener') }),
      })),
    }),
    ...(section.dynamic_route_configs && {
      dynamic_route_configs: section.dynamic_route_configs.map((each) => bare(each, 'route_config')),
    }),
    ...(section.dynamic_active_clusters && {
      dynamic_active_clusters: section.dynamic_active_clusters.map((each) => bare(each, 'cluster')),
    }),
  }));
  return { ...dump, ...(configs && { configs }) };
}

function endpointsOf({ cluster_statuses = [] }: ClustersPage): ProxyEndpoint[] {
  return cluster_statuses.flatMap(({ name, host_statuses = [] }) =>
    host_statuses.map(({ address, health_status = {}, stats = [] }) => {
      const { address: ip = '', port_value: port = 0 } = address?.socket_address ?? {};
      const { eds_health_status, failed_outlier_check = false, failed_active_health_check = false } = health_status;
      const isWell = eds_health_status === 'HEALTHY' || eds_health_status === 'UNKNOWN';
      return {
        cluster: name,
        address: { ip, port },
        healthy: isWell && !failed_outlier_check && !failed_active_health_check,
        ejected: failed_outlier_check,
        failedCheck: failed_active_health_check,
        activeRequests: Number(stats.find((stat) => stat.name === 'rq_active')?.value ?? 0),
      };
    }),
  );
}

/** Counters and gauges. Istio ends the names of clusters with a semicolon, so that Envoy's tags know where they end. */
function statsOf(page: string): StatValues {
  const found = new Map<string, number>();
  for (const line of page.split('\n')) {
    const [, name, value] = /^(.+): (\d+)$/.exec(line) ?? [];
    if (name !== undefined) found.set(name.replace(';.', '.'), Number(value));
  }
  return found;
}
