import type { Any } from '#xds';
import { ConfigProblem } from '../../config/problem.ts';
import { readNumber } from '../../config/values.ts';
import { appended } from '../inline-headers.ts';
import type { FilterParts } from './filter-parts.ts';

export interface CdnLoop {
  readonly id: string;
  /** The id may stand so often in a request. */
  readonly mayStand: number;
}

/** Reads envoy.extensions.filters.http.cdn_loop.v3.CdnLoopConfig. Throws ConfigProblem. */
export function readCdnLoop(config: Any): CdnLoop {
  const id = String(config['cdn_id'] ?? '');
  if (id === '') throw new ConfigProblem('cdn_id', 'value length must be at least 1 characters');
  if (!new RegExp(`^${CDN_ID}$`).test(id)) {
    throw new ConfigProblem('cdn_id', `Provided cdn_id "${id}" is not a valid CDN identifier`);
  }
  return { id, mayStand: readNumber(config['max_allowed_occurrences'], 0) };
}

// RFC 8586 §2, RFC 7230 §3.2.6.
const TOKEN = "[A-Za-z0-9\\-_!#$%&'*+.^`|~]+";
const CDN_ID = `(?:\\[[0-9A-Fa-f:.]*\\]|${TOKEN})(?::\\d*)?`;
const QUOTED = '"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\t \\x21-\\x7e\\x80-\\xff])*"';
const ENTRY = new RegExp(
  `[\\t ]*(?:(${CDN_ID})[\\t ]*(?:;[\\t ]*${TOKEN}=(?:${QUOTED}|${TOKEN})[\\t ]*)*)?(?:,|$)`,
  'y',
);

/** How often an id stands in a CDN-Loop header; undefined: that is none. */
function countOf(text: string, id: string): number | undefined {
  ENTRY.lastIndex = 0;
  let count = 0;
  while (ENTRY.lastIndex < text.length) {
    const found = ENTRY.exec(text);
    if (found === null) return undefined;
    if (found[1] === id) count++;
  }
  return count;
}

/** Envoy's cdn_loop filter: a request that came by here too often goes round in a loop. Source: RFC 8586. */
export function cdnLoop({ id, mayStand }: CdnLoop): FilterParts {
  return {
    decode(exchange) {
      const { headers } = exchange.head;
      const given = headers.joined('cdn-loop');
      const count = given === undefined ? 0 : countOf(given, id);
      if (count === undefined) {
        const body = 'Invalid CDN-Loop header in request.';
        exchange.reply({ status: 400, details: 'invalid_cdn_loop_header', body });
        return 'wait';
      }
      if (count > mayStand) {
        exchange.steps.add('http_filter', 'stopped', 'envoy.filters.http.cdn_loop', () => ({
          detail: `the request has come by here ${count} times (CDN-Loop: ${given}); ${mayStand} are allowed`,
        }));
        const body = 'The server has detected a loop between CDNs.';
        exchange.reply({ status: 502, details: 'cdn_loop_detected', body });
        return 'wait';
      }
      headers.put('cdn-loop', appended(given ?? '', id));
      return 'next';
    },
  };
}
