import type { ExtAuthzConfig } from '../../../config/ext-authz-config.ts';
import type { Exchange } from '../../exchange.ts';
import { FilterState } from '../../filter-state.ts';
import type { Verdict } from './verdict.ts';

const KEY = 'envoy.filters.http.ext_authz.shadow';

/** Leaves what an authorizer that only watches would have done, as JSON under a name of its own for later filters and logs. */
export function keepShadow(exchange: Exchange, { statusOnError }: ExtAuthzConfig, verdict: Verdict): void {
  exchange.filterState ??= new FilterState();
  exchange.filterState.keep(KEY, { text: JSON.stringify(wordsOf(verdict, statusOnError)), shown: true });
}

function wordsOf(verdict: Verdict, statusOnError: number): object {
  switch (verdict.kind) {
    case 'ok':
      return { check_result: 'OK', status_code: 200 };
    case 'error':
      return { check_result: 'ERROR', status_code: statusOnError };
    case 'denied': {
      const headers = verdict.headers.map(({ name, value }) => ({ key: name, value }));
      return {
        check_result: 'DENIED',
        status_code: verdict.status,
        ...(headers.length > 0 && { response_headers: headers }),
      };
    }
  }
}
