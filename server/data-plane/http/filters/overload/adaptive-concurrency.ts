import type { AdaptiveConcurrencyConfig } from '../../../config/filters/adaptive-concurrency.ts';
import type { Exchange } from '../../exchange.ts';
import type { FilterParts } from '../filter-parts.ts';
import { GradientController, type GradientFigures } from './gradient-controller.ts';

const PLACE = 'adaptive_concurrency.gradient_controller.';
const GAUGES: readonly (keyof GradientFigures)[] = [
  'burst_queue_size',
  'concurrency_limit',
  'gradient',
  'min_rtt_calculation_active',
  'min_rtt_msecs',
  'sample_rtt_msecs',
];

/** Envoy's adaptive_concurrency filter: as many requests are under way at once as hosts answer without delay. */
export function adaptiveConcurrency(name: string, config: AdaptiveConcurrencyConfig): FilterParts {
  let made: GradientController | undefined;
  const controllerOf = ({ runtime }: Exchange): GradientController => {
    made ??= new GradientController(config.gradient, { clock: runtime.clock, random: runtime.chance.jitter });
    return made;
  };
  return {
    figures: { [PLACE]: ['rq_blocked'] },
    declare(stats, prefix) {
      const { fixedMinRttMs, leastConcurrent } = config.gradient;
      const atFirst: Partial<GradientFigures> = {
        concurrency_limit: leastConcurrent,
        min_rtt_calculation_active: fixedMinRttMs === undefined ? 1 : 0,
        min_rtt_msecs: Math.floor(fixedMinRttMs ?? 0),
      };
      for (const gauge of GAUGES)
        stats.gauge(prefix + PLACE + gauge, () => (made === undefined ? (atFirst[gauge] ?? 0) : made.figures[gauge]));
    },
    decode(exchange) {
      if (!exchange.runtime.values.isOn(config.enabled) || exchange.uncounted) return 'next';
      const controller = controllerOf(exchange);
      const beganAt = controller.enter();
      if (beganAt !== undefined) {
        exchange.whenOver((whole) => (whole ? controller.record(beganAt) : controller.cancel()));
        return 'next';
      }
      exchange.stats.count(`${PLACE}rq_blocked`);
      note(exchange, name, controller);
      const body = 'reached concurrency limit';
      exchange.reply({ status: config.status, details: 'reached_concurrency_limit', body });
      return 'wait';
    },
  };
}

function note(exchange: Exchange, name: string, { figures, underWay }: GradientController): void {
  const { concurrency_limit: limit, min_rtt_calculation_active: measures } = figures;
  const why = measures === 1 ? ', as long as the least round trip is measured' : '';
  exchange.steps.add('http_filter', 'stopped', name, () => ({
    detail: `${underWay} requests are under way, ${limit} may be${why}`,
    evidence: { underWay, limit },
  }));
}
