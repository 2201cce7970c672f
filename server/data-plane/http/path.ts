/**
 * Istio's path normalization BASE: dot segments are resolved (RFC 3986) and `\` counts as `/`. The query is left alone, and
 * so is anything that is no absolute path.
 */
export function normalizePath(pathAndQuery: string): string {
  const mark = pathAndQuery.indexOf('?');
  const path = mark < 0 ? pathAndQuery : pathAndQuery.slice(0, mark);
  if (!path.startsWith('/')) return pathAndQuery;
  if (!path.includes('/.') && !path.includes('\\') && !(path.includes('%') && /%2e/i.test(path))) return pathAndQuery;
  const segments: string[] = [];
  const parts = path.replaceAll('\\', '/').replace(/%2e/gi, '.').split('/').slice(1);
  for (const [i, part] of parts.entries()) {
    const last = i === parts.length - 1;
    if (part === '..') segments.pop();
    if (part === '.' || part === '..') {
      if (last) segments.push('');
    } else segments.push(part);
  }
  return `/${segments.join('/')}${mark < 0 ? '' : pathAndQuery.slice(mark)}`;
}
