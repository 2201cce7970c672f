import type { FilterParts } from '../http/filters/filter-parts.ts';

/** Stands as the type of the configuration of a filter that asked for one and got none. */
export const MISSING_CONFIG = 'missing';

/** What stands in the place of a filter without a configuration: nobody knows whom it would have let pass. */
export const missingFilter = (name: string): FilterParts => ({
  decode(exchange) {
    exchange.steps.add('http_filter', 'stopped', name, () => ({
      detail: `the control plane has sent no configuration of the filter ${name} in time, and it has no default`,
    }));
    exchange.reply({ status: 500, flag: 'NFCF', details: '' });
    return 'wait';
  },
});
