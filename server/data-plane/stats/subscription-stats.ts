import { type Rejection, type TypeUrl, typeUrls, type XdsUpdate } from '#xds';
import { fetchKey } from '../config/fetches.ts';
import type { CompiledListener } from '../config/listener-config.ts';

/** What one subscription has been sent. */
interface Subscription {
  accepted: number;
  rejected: number;
  /** Streams that were lost before it began. */
  readonly lostBefore: number;
  /** Of the last update that was taken; Clock.now(). */
  takenAtMs: number;
}

/** Types whose whole is one subscription. */
const WHOLE: Readonly<Partial<Record<TypeUrl, string>>> = {
  [typeUrls.cluster]: 'cluster_manager.cds.',
  [typeUrls.listener]: 'listener_manager.lds.',
};
/** Its resources are counted each for itself. */
const EACH = new Set<TypeUrl>([typeUrls.route, typeUrls.endpoint, typeUrls.extension]);

const begun = (lostBefore: number): Subscription => ({ accepted: 0, rejected: 0, takenAtMs: 0, lostBefore });

const extensionKey = (name: string): string => fetchKey({ typeUrl: typeUrls.extension, name });

/** Where the figures of resources stand: those of routes behind the connection managers that ask for them, of endpoints behind clusters. */
export interface Subscribers {
  /** Waits that were in vain, by resource; see `fetchKey`. */
  readonly timeouts: ReadonlyMap<string, number>;
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly warmingListeners: ReadonlyMap<string, CompiledListener>;
  readonly clusters: ReadonlyMap<string, { readonly type: string; readonly edsName: string; readonly name: string }>;
}

/** Counts of updates by subscription. Source: subscription statistics in Envoy's documentation of xDS. */
export class SubscriptionStats {
  /** All clusters and listeners are asked for from the start. */
  readonly #held = new Map<string, Subscription>(Object.keys(WHOLE).map((typeUrl) => [typeUrl, begun(0)]));
  #lost = 0;

  /** The stream ended, or could not be opened: a failure of all that was asked for. */
  lose(): void {
    this.#lost++;
  }

  note({ typeUrl, upserted, unreadable = [] }: XdsUpdate, rejections: readonly Rejection[], atMs: number): void {
    if (WHOLE[typeUrl] !== undefined) this.#count(typeUrl, rejections.length > 0, atMs);
    if (!EACH.has(typeUrl)) return;
    const refused = new Set(rejections.map(({ name }) => name));
    for (const { name } of [...upserted, ...unreadable])
      this.#count(fetchKey({ typeUrl, name }), refused.has(name), atMs);
  }

  /** Every subscription's figures, by name. */
  *values({
    listeners,
    warmingListeners,
    clusters,
    timeouts,
  }: Subscribers): Generator<readonly [name: string, value: number]> {
    for (const [typeUrl, prefix] of Object.entries(WHOLE)) {
      yield* this.#figures(prefix, { key: typeUrl, timeouts, tellsReloads: typeUrl === typeUrls.cluster });
    }
    for (const listener of listeners.values()) {
      for (const { statPrefix, name } of routesOf(listener)) {
        const key = fetchKey({ typeUrl: typeUrls.route, name });
        yield* this.#figures(`http.${statPrefix}.rds.${name}.`, { key, timeouts, tellsReloads: true });
        yield [`http.${statPrefix}.rds.${name}.update_empty`, 0];
      }
    }
    const asking = [...listeners.values(), ...warmingListeners.values()];
    for (const [name, kind] of new Map(asking.flatMap(({ extensionKinds }) => [...extensionKinds]))) {
      yield* this.#extension(`extension_config_discovery.${kind}.${name}.`, { key: extensionKey(name), timeouts });
    }
    for (const { type, edsName, name } of clusters.values()) {
      if (type !== 'EDS') continue;
      const key = fetchKey({ typeUrl: typeUrls.endpoint, name: edsName || name });
      yield* this.#figures(`cluster.${name}.`, { key, timeouts, tellsReloads: false });
    }
  }

  *#extension(
    prefix: string,
    { key, timeouts }: Pick<Subscribers, 'timeouts'> & { readonly key: string },
  ): Generator<readonly [name: string, value: number]> {
    const { accepted, rejected } = this.#held.get(key) ?? begun(this.#lost);
    yield* this.#figures(prefix, { key, timeouts, tellsReloads: false });
    yield [`${prefix}config_conflict`, 0];
    yield [`${prefix}config_fail`, rejected + (timeouts.get(key) ?? 0)];
    yield [`${prefix}config_reload`, accepted];
  }

  #count(key: string, rejected: boolean, atMs: number): void {
    const held = this.#held.get(key) ?? begun(this.#lost);
    this.#held.set(key, held);
    if (rejected) held.rejected++;
    else {
      held.accepted++;
      held.takenAtMs = atMs;
    }
  }

  /** Each answer and each failure is followed by the next request, so there is one more attempt. */
  *#figures(
    prefix: string,
    {
      key,
      timeouts,
      tellsReloads,
    }: Pick<Subscribers, 'timeouts'> & { readonly key: string; readonly tellsReloads: boolean },
  ): Generator<readonly [name: string, value: number]> {
    const { accepted, rejected, takenAtMs, lostBefore } = this.#held.get(key) ?? begun(this.#lost);
    const [failures, inVain] = [this.#lost - lostBefore, timeouts.get(key) ?? 0];
    yield [`${prefix}init_fetch_timeout`, inVain];
    yield [`${prefix}update_attempt`, accepted + rejected + failures + inVain + 1];
    yield [`${prefix}update_failure`, failures];
    yield [`${prefix}update_rejected`, rejected];
    yield [`${prefix}update_success`, accepted];
    yield [`${prefix}update_time`, takenAtMs];
    if (!tellsReloads) return;
    yield [`${prefix}config_reload`, accepted];
    yield [`${prefix}config_reload_time_ms`, takenAtMs];
  }
}

/** The tables that a listener's connection managers ask for. */
export function routesOf({
  chains,
  defaultChain,
}: CompiledListener): { readonly statPrefix: string; readonly name: string }[] {
  const all = defaultChain === undefined ? chains : [...chains, defaultChain];
  return all.flatMap(({ filter }) =>
    filter.kind === 'http' && 'rds' in filter.routes
      ? [{ statPrefix: filter.statPrefix, name: filter.routes.rds }]
      : [],
  );
}
