import type { Headers } from './headers.ts';

/** The values of the cookies of a name in their order, without the quotes that may stand around them. */
export function cookieValues(headers: Headers, name: string): string[] {
  const found: string[] = [];
  for (const pair of (headers.joined('cookie') ?? '').split(/[;,]/)) {
    const equals = pair.indexOf('=');
    if (equals < 0 || pair.slice(0, equals).trim() !== name) continue;
    const value = pair.slice(equals + 1).trim();
    found.push(value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value);
  }
  return found;
}
