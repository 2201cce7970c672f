import { type Rejection, type TypeUrl, typeUrls, type XdsUpdate } from '#xds';
import type { CompiledListener } from '../config/listener-config.ts';

/** What one subscription has been sent. */
interface Subscription {
  accepted: number;
  rejected: number;
  /** Of the last update that was taken; Clock.now(). */
  takenAtMs: number;
}

/** Types whose whole is one subscription. */
const WHOLE: Readonly<Partial<Record<TypeUrl, string>>> = {
  [typeUrls.cluster]: 'cluster_manager.cds.',
  [typeUrls.listener]: 'listener_manager.lds.',
};
/** Its resources are counted each for itself. */
const EACH = new Set<TypeUrl>([typeUrls.route, typeUrls.endpoint]);

/** Where the figures of resources stand: those of routes behind the connection managers that ask for them, of endpoints behind clusters. */
export interface Subscribers {
  readonly listeners: ReadonlyMap<string, CompiledListener>;
  readonly clusters: ReadonlyMap<string, { readonly type: string; readonly edsName: string; readonly name: string }>;
}

/** Counts of updates by subscription. Source: subscription statistics in Envoy's documentation of xDS. */
export class SubscriptionStats {
  readonly #held = new Map<string, Subscription>();

  note({ typeUrl, upserted }: XdsUpdate, rejections: readonly Rejection[], atMs: number): void {
    if (WHOLE[typeUrl] !== undefined) this.#count(typeUrl, rejections.length > 0, atMs);
    if (!EACH.has(typeUrl)) return;
    const refused = new Set(rejections.map(({ name }) => name));
    for (const { name } of upserted) this.#count(keyOf(typeUrl, name), refused.has(name), atMs);
  }

  /** Every subscription's figures, by name. */
  *values({ listeners, clusters }: Subscribers): Generator<readonly [name: string, value: number]> {
    for (const [typeUrl, prefix] of Object.entries(WHOLE)) {
      yield* figures(prefix, this.#held.get(typeUrl), typeUrl === typeUrls.cluster);
    }
    for (const listener of listeners.values()) {
      for (const { statPrefix, name } of routesOf(listener)) {
        const held = this.#held.get(keyOf(typeUrls.route, name));
        yield* figures(`http.${statPrefix}.rds.${name}.`, held, true);
        yield [`http.${statPrefix}.rds.${name}.update_empty`, 0];
      }
    }
    for (const { type, edsName, name } of clusters.values()) {
      if (type !== 'EDS') continue;
      const held = this.#held.get(keyOf(typeUrls.endpoint, edsName || name));
      yield* figures(`cluster.${name}.`, held, false);
    }
  }

  #count(key: string, rejected: boolean, atMs: number): void {
    const held = this.#held.get(key) ?? { accepted: 0, rejected: 0, takenAtMs: 0 };
    this.#held.set(key, held);
    if (rejected) held.rejected++;
    else {
      held.accepted++;
      held.takenAtMs = atMs;
    }
  }
}

const keyOf = (typeUrl: TypeUrl, name: string): string => `${typeUrl} ${name}`;

/** Each answer is followed by the next request, so there is one more attempt than answers. */
function* figures(
  prefix: string,
  held: Subscription | undefined,
  tellsReloads: boolean,
): Generator<readonly [name: string, value: number]> {
  const { accepted = 0, rejected = 0, takenAtMs = 0 } = held ?? {};
  yield [`${prefix}init_fetch_timeout`, 0];
  yield [`${prefix}update_attempt`, accepted + rejected + 1];
  yield [`${prefix}update_failure`, 0];
  yield [`${prefix}update_rejected`, rejected];
  yield [`${prefix}update_success`, accepted];
  yield [`${prefix}update_time`, takenAtMs];
  if (!tellsReloads) return;
  yield [`${prefix}config_reload`, accepted];
  yield [`${prefix}config_reload_time_ms`, takenAtMs];
}

function routesOf({
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
