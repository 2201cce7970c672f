import { formatAddress } from '#domain';
import type { HashCookie, HashPolicy } from '../../config/hash-policy.ts';
import { PSEUDO_HEADERS } from '../../config/route-condition.ts';
import { xxHash64 } from '../../upstream/hashing/xx-hash.ts';
import { cookieValues } from '../cookies.ts';
import type { Exchange } from '../exchange.ts';
import { setCookie } from '../set-cookie.ts';

const ALL_BITS = 0xffff_ffff_ffff_ffffn;

/**
 * The hash that a route's policies make of a request: each one's value is mixed into the last, in order. Undefined when none gives any.
 * Source: hash_policy.cc. Where a cookie is missing and has a lifetime, one is made and set in the answer.
 */
export function hashRequest(exchange: Exchange, policies: readonly HashPolicy[]): bigint | undefined {
  let hash: bigint | undefined;
  for (const policy of policies) {
    const next = hashOf(exchange, policy);
    if (next !== undefined) {
      const rotated = hash === undefined ? 0n : ((hash << 1n) | (hash >> 63n)) & ALL_BITS;
      hash = rotated ^ next;
    }
    if (policy.terminal && hash !== undefined) break;
  }
  return hash;
}

function hashOf(exchange: Exchange, policy: HashPolicy): bigint | undefined {
  switch (policy.kind) {
    case 'header':
      return hashHeader(exchange, policy);
    case 'cookie':
      return hashCookie(exchange, policy);
    case 'source_ip':
      return xxHash64(exchange.connection.remoteAddress.ip);
    case 'query_parameter': {
      const value = queryParameter(exchange.head.path, policy.name);
      return value === undefined ? undefined : xxHash64(value);
    }
    case 'filter_state': {
      const kept = exchange.filterState?.valueOf(policy.key);
      return kept?.hashable === true ? xxHash64(kept.text) : undefined;
    }
  }
}

/** Several values of one header are hashed in sorted order, each seeded by the hash of the last. */
function hashHeader({ head }: Exchange, policy: HashPolicy & { kind: 'header' }): bigint | undefined {
  const { flat } = head.headers;
  const pseudo = PSEUDO_HEADERS[policy.name];
  const values: string[] = pseudo === undefined ? [] : [pseudo(head)];
  for (let i = 0; i < flat.length; i += 2) if (flat[i] === policy.name) values.push(flat[i + 1] ?? '');
  if (values.length === 0) return undefined;
  const { rewrite } = policy;
  const rewritten = rewrite === undefined ? values : values.map(rewrite);
  return rewritten.sort().reduce((seed, value) => xxHash64(value, seed), 0n);
}

function hashCookie(exchange: Exchange, cookie: HashCookie): bigint | undefined {
  const [given = ''] = cookieValues(exchange.head.headers, cookie.name);
  if (given !== '') return xxHash64(given);
  if (cookie.ttlMs === undefined) return undefined;
  const { remoteAddress, localAddress } = exchange.connection;
  // The same for every request of one connection, so that requests which race get one cookie.
  const made = xxHash64(formatAddress(remoteAddress) + formatAddress(localAddress))
    .toString(16)
    .padStart(16, '0');
  exchange.editResponse(({ headers }) => headers.add('set-cookie', setCookie(cookie, made)));
  return xxHash64(made);
}

function queryParameter(path: string, name: string): string | undefined {
  const question = path.indexOf('?');
  if (question < 0) return undefined;
  for (const pair of path.slice(question + 1).split('&')) {
    const equals = pair.indexOf('=');
    if ((equals < 0 ? pair : pair.slice(0, equals)) === name) return equals < 0 ? '' : pair.slice(equals + 1);
  }
  return undefined;
}
