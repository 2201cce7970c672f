import type { HeaderMatcher, StringMatcher } from '#xds';
import { FILTER_TYPES } from '../http-filters/policy-filters.ts';
import type { MetadataMatcher, Permission, ValueMatcher } from './rbac-types.ts';

/** Any value that is not empty. */
export const NOT_EMPTY: StringMatcher = { safe_regex: { regex: '.+' } };

/** Escapes what has a meaning in RE2, as Go's regexp.QuoteMeta does. */
export const quoteMeta = (text: string): string => text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&');

/** `*` any value, `x*` prefix, `*x` suffix, anything else exactly; `prefix` stands before the value in what is matched. */
export function stringMatch(value: string, prefix = ''): StringMatcher {
  if (value === '*') return NOT_EMPTY;
  if (value.startsWith('*')) {
    const rest = value.slice(1);
    return prefix === '' ? { suffix: rest } : { safe_regex: { regex: `${prefix}.*${quoteMeta(rest)}` } };
  }
  return value.endsWith('*') ? { prefix: prefix + value.slice(0, -1) } : { exact: prefix + value };
}

/** A header by Istio's value forms. `*` asks for presence only. */
export function headerMatch(name: string, value: string, ignoreCase = false): HeaderMatcher {
  if (value === '*') return { name, present_match: true };
  const matcher: StringMatcher = value.startsWith('*')
    ? { suffix: value.slice(1) }
    : value.endsWith('*')
      ? { prefix: value.slice(0, -1) }
      : { exact: value };
  return { name, string_match: ignoreCase ? { ...matcher, ignore_case: true } : matcher };
}

const ONE_SEGMENT = '{*}';
const ANY_SEGMENTS = '{**}';

/** A path: a template where it has `{*}` or `{**}`, else a string form. */
export function pathMatch(value: string): Permission {
  if (!value.includes(ONE_SEGMENT) && !value.includes(ANY_SEGMENTS)) return { url_path: { path: stringMatch(value) } };
  const path_template = value.replaceAll(ONE_SEGMENT, '*').replaceAll(ANY_SEGMENTS, '**');
  return { uri_template: { name: 'uri-template', typed_config: { '@type': FILTER_TYPES.uriTemplate, path_template } } };
}

/** One of several matchers; a single one stands alone. */
export function anyValue(matchers: readonly ValueMatcher[]): ValueMatcher {
  const [only] = matchers;
  return matchers.length === 1 && only !== undefined ? only : { or_match: { value_matchers: [...matchers] } };
}

export const stringValues = (values: readonly string[]): ValueMatcher =>
  anyValue(values.map((value) => ({ string_match: stringMatch(value) })));

export const listOf = (value: ValueMatcher): ValueMatcher => ({ list_match: { one_of: value } });

export const metadataMatch = (filter: string, keys: readonly string[], value: ValueMatcher): MetadataMatcher => ({
  filter,
  path: keys.map((key) => ({ key })),
  value,
});

/** A claim of the verified token, at `payload` in the metadata of the JWT filter. */
export const claimMatch = (claims: readonly string[], value: ValueMatcher): MetadataMatcher =>
  metadataMatch('envoy.filters.http.jwt_authn', ['payload', ...claims], value);

/** A claim that is either a list with such an item or itself such a value. */
export const listClaimMatch = (claims: readonly string[], value: ValueMatcher): MetadataMatcher =>
  claimMatch(claims, { or_match: { value_matchers: [listOf(value), value] } });
