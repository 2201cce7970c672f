/** What a Set-Cookie says of a cookie besides its value. */
export interface CookieShape {
  readonly name: string;
  readonly path: string;
  /** 0: as long as the client lives. */
  readonly ttlMs?: number | undefined;
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/** The value of Set-Cookie, as Envoy writes it (Http::Utility::makeSetCookieValue). */
export function setCookie({ name, path, ttlMs = 0, attributes }: CookieShape, value: string): string {
  const parts = [`${name}="${value}"`];
  if (ttlMs > 0) parts.push(`Max-Age=${Math.floor(ttlMs / 1000)}`);
  if (path !== '') parts.push(`Path=${path}`);
  for (const { name: attribute, value: set } of attributes) parts.push(set === '' ? attribute : `${attribute}=${set}`);
  return [...parts, 'HttpOnly'].join('; ');
}
