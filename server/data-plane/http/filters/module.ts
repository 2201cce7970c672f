import type { ModuleFilterConfig } from '../../config/module-filter.ts';
import type { RequestLayer } from '../exchange.ts';

/** In the place of an extension's code: passes, or answers as the rules do that Istio's agent puts there. */
export const moduleFilter =
  ({ name, code, passes, origin }: ModuleFilterConfig): RequestLayer =>
  (exchange) => {
    if (exchange.steps.on) {
      exchange.steps.add('http_filter', passes ? 'passed' : 'stopped', name, () => ({
        detail: `this proxy runs no ${code}: ${passes ? 'the request goes on without' : 'failStrategy lets nothing pass without the module'}`,
        origin,
      }));
    }
    if (passes) return 'next';
    exchange.runtime.stats.stat(`http.${exchange.config.statPrefix}.rbac.wasm-default-deny.denied`).value++;
    exchange.reply({ status: 403, details: 'rbac_access_denied_matched_policy[none]', body: 'RBAC: access denied' });
    return 'wait';
  };
