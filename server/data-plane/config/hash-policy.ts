import { ConfigProblem, within } from './problem.ts';
import { compileRegexRewrite, type RegexRewriteJson, type TextRewrite } from './regex-rewrite.ts';
import { durationMs } from './values.ts';

/** What of a request is hashed. `terminal`: when it gave a hash, later policies are not asked. */
export type HashPolicy = { readonly terminal: boolean } & (
  | { readonly kind: 'header'; readonly name: string; readonly rewrite: TextRewrite | undefined }
  | ({ readonly kind: 'cookie' } & HashCookie)
  | { readonly kind: 'source_ip' }
  | { readonly kind: 'query_parameter'; readonly name: string }
  | { readonly kind: 'filter_state'; readonly key: string }
);

export interface HashCookie {
  readonly name: string;
  readonly path: string;
  /** Undefined: the proxy makes no cookie. 0: it makes one for the session. */
  readonly ttlMs: number | undefined;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads RouteAction.hash_policy. Throws ConfigProblem. */
export function compileHashPolicies(given: readonly Fields[] | undefined): readonly HashPolicy[] {
  return (given ?? []).flatMap((policy, i) => within(`hash_policy[${i}]`, () => compileHashPolicy(policy)));
}

function compileHashPolicy(policy: Fields): HashPolicy[] {
  const terminal = policy['terminal'] === true;
  const { header, cookie, connection_properties, query_parameter, filter_state } = policy as Readonly<
    Record<string, Fields | undefined>
  >;
  if (header !== undefined) {
    const name = String(header['header_name'] ?? '').toLowerCase();
    const given = header['regex_rewrite'] as RegexRewriteJson | undefined;
    return [{ kind: 'header', name, rewrite: given && compileRegexRewrite(given, 'header.regex_rewrite'), terminal }];
  }
  if (cookie !== undefined) return [{ kind: 'cookie', ...readCookie(cookie), terminal }];
  if (connection_properties !== undefined) {
    return connection_properties['source_ip'] === true ? [{ kind: 'source_ip', terminal }] : [];
  }
  if (query_parameter !== undefined) {
    return [{ kind: 'query_parameter', name: String(query_parameter['name'] ?? ''), terminal }];
  }
  if (filter_state !== undefined) return [{ kind: 'filter_state', key: String(filter_state['key'] ?? ''), terminal }];
  throw new ConfigProblem('policy_specifier', 'is required');
}

function readCookie(cookie: Fields): HashCookie {
  const ttl = cookie['ttl'];
  const attributes = Array.isArray(cookie['attributes']) ? cookie['attributes'] : [];
  return {
    name: String(cookie['name'] ?? ''),
    path: String(cookie['path'] ?? ''),
    ttlMs: typeof ttl === 'string' ? durationMs(ttl, 'cookie.ttl', 0) : undefined,
    attributes: attributes.map((each: Fields) => ({ name: String(each['name']), value: String(each['value'] ?? '') })),
  };
}
