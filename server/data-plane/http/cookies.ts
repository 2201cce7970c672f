import type { Headers } from './headers.ts';

/**
 * The values of the cookies of a name in their order, without the quotes that may stand around them. Spaces before a name are no part of it;
 * those around the equals sign are, as in Envoy.
 */
export function cookieValues(headers: Headers, name: string): string[] {
  const found: string[] = [];
  for (const line of headers.all('cookie')) {
    for (const pair of line.split(';')) {
      const equals = pair.indexOf('=');
      if (equals < 0 || pair.slice(0, equals).trimStart() !== name) continue;
      const value = pair.slice(equals + 1);
      found.push(value.startsWith('"') && value.endsWith('"') && value.length > 1 ? value.slice(1, -1) : value);
    }
  }
  return found;
}
