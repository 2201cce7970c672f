/** Characters of a host, with a port or without (RFC 3986 §3.2.2). */
const AUTHORITY = /^[A-Za-z0-9\-._~!$&'()*+,;=:%[\]]*$/;
/** What was found good last: clients ask for the same host again and again. */
let goodAuthority = '';

/** Whether a text may stand for a host, with a port or without. */
export function isAuthority(text: string): boolean {
  if (text === goodAuthority) return true;
  if (!AUTHORITY.test(text)) return false;
  goodAuthority = text;
  return true;
}

/** The same for a Host header: as in Envoy, a user before it is a part of its name. */
export const isHost = (text: string): boolean =>
  isAuthority(text) || (text.includes('@') && isAuthority(text.replaceAll('@', '')));

/** What CONNECT names. */
export const HOST_AND_PORT = /^[^:]+:\d{1,5}$|^\[[0-9A-Fa-f:.]+\]:\d{1,5}$/;

/** Characters that would end a request line early, or that latin1 cannot carry. */
const UNSAFE = /[^\x21-\x7e\x80-\xff]/gu;

/** Percent-encodes what must not stand in a request's target. Parsed targets pass unchanged; rewritten ones may not. */
export function safeTarget(target: string): string {
  for (let i = 0; i < target.length; i++) {
    const code = target.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f) return target.toWellFormed().replace(UNSAFE, encodeURIComponent);
  }
  return target;
}
