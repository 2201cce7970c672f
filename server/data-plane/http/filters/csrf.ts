import type { Any, StringMatcher } from '#xds';
import { compileStringMatch, type StringMatch } from '../../config/string-match.ts';
import { ALWAYS, type Fraction, NEVER, readRuntimeFraction } from '../../config/values.ts';
import type { Exchange } from '../exchange.ts';
import { drawn } from './drawn.ts';
import type { FilterParts } from './filter-parts.ts';
import { perRoute } from './per-route.ts';

/** envoy.extensions.filters.http.csrf.v3.CsrfPolicy. */
export interface CsrfPolicy {
  readonly enabled: Fraction;
  readonly shadow: Fraction;
  readonly origins: readonly StringMatch[];
}

const CHANGING: ReadonlySet<string> = new Set(['POST', 'PUT', 'DELETE', 'PATCH']);

export function readCsrf(config: Any): CsrfPolicy {
  const share = (name: string, fallback: Fraction): Fraction => readRuntimeFraction(config[name], fallback);
  return {
    enabled: share('filter_enabled', ALWAYS),
    shadow: share('shadow_enabled', NEVER),
    origins: ((config['additional_origins'] ?? []) as StringMatcher[]).map((origin, i) =>
      compileStringMatch(origin, `additional_origins[${i}]`),
    ),
  };
}

/** Envoy's csrf filter: a request that changes something must come from a page of the same host, or of one that is listed. */
export function csrf(name: string, own: CsrfPolicy): FilterParts {
  const policyOf = perRoute({ name, type: 'csrf.v3.CsrfPolicy' }, own, readCsrf);
  return {
    figures: { 'csrf.': ['missing_source_origin', 'request_invalid', 'request_valid'] },
    decode(exchange) {
      const policy = policyOf(exchange);
      if (!CHANGING.has(exchange.head.method)) return 'next';
      const enforced = drawn(exchange, 'csrf', policy.enabled);
      if (!enforced && !drawn(exchange, 'csrf', policy.shadow)) return 'next';
      const source = sourceOf(exchange);
      const valid = source !== '' && isAllowed(exchange, policy, source);
      exchange.stats.count(
        `csrf.${source === '' ? 'missing_source_origin' : valid ? 'request_valid' : 'request_invalid'}`,
      );
      exchange.steps.add('http_filter', valid ? 'passed' : enforced ? 'stopped' : 'passed', name, () => ({
        detail:
          source === ''
            ? 'the request names neither Origin nor Referer'
            : `the request comes from a page of ${source}${valid ? '' : ', which is neither this host nor listed'}`,
      }));
      if (valid || !enforced) return 'next';
      exchange.reply({ status: 403, details: 'csrf_origin_mismatch', body: 'Invalid origin' });
      return 'wait';
    },
  };
}

/** Host and port of the page, from Origin, else from Referer; empty where there is none, and where a browser says `null` because it does not tell. */
function sourceOf({ head }: Exchange): string {
  const origin = head.headers.get('origin') ?? '';
  if (origin === 'null') return '';
  return hostOf(origin === '' ? (head.headers.get('referer') ?? '') : origin);
}

const URL_HOST = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#]*@)?((?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d+)?)(?:[/?#]|$)/i;

/** What is no address counts as it is written. */
const hostOf = (text: string): string => URL_HOST.exec(text)?.[1] ?? text;

const isAllowed = ({ head }: Exchange, { origins }: CsrfPolicy, source: string): boolean =>
  source === hostOf(head.authority) || origins.some((origin) => origin.accepts(source));
