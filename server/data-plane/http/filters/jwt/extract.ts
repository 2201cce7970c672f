import type { TokenLocation } from '../../../config/jwt-config.ts';
import type { RequestHead } from '../../codec.ts';
import { QueryParams } from '../../query-params.ts';

/** A token and where it stood. */
export interface FoundToken {
  readonly text: string;
  readonly location: TokenLocation;
}

/** The tokens at these places, headers first, then the query, then cookies. */
export function extractTokens(head: RequestHead, places: readonly TokenLocation[]): FoundToken[] {
  const found: FoundToken[] = [];
  const add = (location: TokenLocation, text: string | undefined): void => {
    if (text !== undefined) found.push({ text, location });
  };
  for (const location of places) if (location.in === 'header') add(location, fromHeader(head, location));
  const query = places.some((location) => location.in === 'query') ? queryOf(head.path) : undefined;
  for (const location of places) if (location.in === 'query') add(location, query?.get(location.name) ?? undefined);
  for (const location of places) if (location.in === 'cookie') add(location, cookie(head, location.name));
  return found;
}

function fromHeader(head: RequestHead, location: TokenLocation & { readonly in: 'header' }): string | undefined {
  const value = head.headers.joined(location.name);
  if (value === undefined || location.prefix === '') return value;
  const at = value.indexOf(location.prefix);
  if (at < 0) return undefined;
  // What comes between the prefix and the first character of a token is passed over.
  return /[A-Za-z0-9_.-].*$/.exec(value.slice(at + location.prefix.length))?.[0] ?? value;
}

const queryOf = (path: string): URLSearchParams => {
  const mark = path.indexOf('?');
  return new URLSearchParams(mark < 0 ? '' : path.slice(mark + 1));
};

function cookie(head: RequestHead, name: string): string | undefined {
  for (const pair of (head.headers.joined('cookie') ?? '').split(/;\s*/)) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) {
      return pair.slice(equals + 1).replace(/^"(.*)"$/, '$1');
    }
  }
  return undefined;
}

/** Takes a verified token out of the request, if it is still there. A cookie stays, as in Envoy. */
export function removeToken(head: RequestHead, location: TokenLocation): void {
  if (location.in === 'header') {
    head.headers.remove(location.name);
    return;
  }
  if (location.in === 'cookie') return;
  const params = new QueryParams(head.path, 'decoded');
  params.remove(location.name);
  head.path = params.toPath();
}
