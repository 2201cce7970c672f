import type { StringMatch } from '../../snapshot/istio-types.ts';
import { isPresenceMatch, stringMatcher } from './string-match.ts';

const PREFIX = '@request.auth.claims';

/** The claim that a header's name stands for: `@request.auth.claims.group.id` or `@request.auth.claims[group][id]`. */
function claimPath(name: string): readonly string[] | undefined {
  if (!name.toLowerCase().startsWith(PREFIX)) return undefined;
  const rest = name.slice(PREFIX.length);
  if (rest.startsWith('.')) {
    const parts = rest.slice(1).split('.');
    return parts.every((part) => part !== '') ? parts : undefined;
  }
  if (!rest.startsWith('[') || !rest.endsWith(']')) return undefined;
  const parts = rest.slice(1, -1).split('][');
  return parts.every((part) => part !== '' && !/[[\]]/.test(part)) ? parts : undefined;
}

/** Whether a header match asks for a claim of a verified token instead of a header. */
export const isClaim = (name: string): boolean => claimPath(name) !== undefined;

/**
 * The condition on the claim that token verification leaves in metadata: its text, or any entry of its list.
 * Source: translateMetadataMatch in istio pilot.
 */
export function claimMatcher(name: string, wanted: StringMatch, invert: boolean): Record<string, unknown>[] {
  const claim = claimPath(name);
  if (claim === undefined) return [];
  const value = { string_match: isPresenceMatch(wanted) ? { safe_regex: { regex: '.+' } } : stringMatcher(wanted) };
  return [
    {
      filter: 'envoy.filters.http.jwt_authn',
      path: ['payload', ...claim].map((key) => ({ key })),
      value: { or_match: { value_matchers: [{ list_match: { one_of: value } }, value] } },
      ...(invert && { invert: true }),
    },
  ];
}
