import { fractionOf, type Random } from '#domain';

/** What a draw decides; draws of one kind never change those of another. */
export type DrawKind =
  | 'route'
  | 'weight'
  | 'fault'
  | 'limit_enabled'
  | 'limit_enforced'
  | 'limit_on_error'
  | 'admission'
  | 'mirror'
  | 'ext_authz'
  | 'drop'
  | 'cors'
  | 'csrf';

/** Draws that depend on the seed and the trace, not on what else is under way. */
export interface TraceDraws {
  /** A whole number in [0, bound). The n-th draw of a kind within a trace is always the same for one seed. */
  below(kind: DrawKind, traceId: string, bound: number): number;
}

/** Traces whose draws are still counted; one that comes back later starts again. */
const REMEMBERED = 1024;

/**
 * Unlike Envoy, whose draws come from one generator in the order of arrival: here the same requests meet the same choices even when
 * others run beside them, so that a replay under another configuration differs by the configuration only.
 */
export function createTraceDraws(random: Random): TraceDraws {
  const seed = random.below(0x1_0000_0000);
  const counts = new Map<string, number>();
  return {
    below: (kind, traceId, bound) => {
      const key = `${kind}/${traceId}`;
      const count = counts.get(key) ?? 0;
      counts.delete(key);
      counts.set(key, count + 1);
      if (counts.size > REMEMBERED) {
        const oldest = counts.keys().next();
        if (!oldest.done) counts.delete(oldest.value);
      }
      return Math.floor(fractionOf(`${seed}/${key}/${count}`) * bound);
    },
  };
}
