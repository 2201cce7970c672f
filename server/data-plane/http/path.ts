/** What a connection manager does to paths before anything looks at them. Fields are Envoy's own. */
export interface PathPolicy {
  readonly normalizePath: boolean;
  readonly mergeSlashes: boolean;
  readonly escapedSlashes: 'KEEP_UNCHANGED' | 'REJECT_REQUEST' | 'UNESCAPE_AND_REDIRECT' | 'UNESCAPE_AND_FORWARD';
}

/** The path to go on with, to send the client to, or as far as it was cleaned before it was refused. */
export interface CleanPath {
  readonly path: string;
  readonly outcome: 'go on' | 'redirect' | 'refuse';
}

/** What a path must hold for any policy to change it. */
const SUSPECT = /[%\\#"<>^`{|}]|\/[./]/;
const ESCAPED_SLASH = /%2f|%5c/gi;

/**
 * Cleans a path with its query, in Envoy's order: escaped slashes, dot segments and escapes (RFC 3986, as browsers do it), doubled
 * slashes. A fragment is dropped first: Istio's bootstrap switches http_reject_path_with_fragment off. An escaped NUL is refused. Source:
 * ConnectionManagerUtility::maybeNormalizePath in Envoy.
 */
export function cleanPath(pathAndQuery: string, policy: PathPolicy): CleanPath {
  if (!SUSPECT.test(pathAndQuery)) return { path: pathAndQuery, outcome: 'go on' };
  const whole = withoutFragment(pathAndQuery);
  const mark = whole.indexOf('?');
  const query = mark < 0 ? '' : whole.slice(mark);
  let path = mark < 0 ? whole : whole.slice(0, mark);
  if (!path.startsWith('/')) return { path: whole, outcome: 'go on' };
  const unescaped = policy.escapedSlashes === 'KEEP_UNCHANGED' ? path : path.replace(ESCAPED_SLASH, slashOf);
  const hadEscapes = unescaped !== path;
  path = unescaped;
  if (hadEscapes && policy.escapedSlashes === 'REJECT_REQUEST') return { path: path + query, outcome: 'refuse' };
  if (policy.normalizePath) {
    if (path.includes('%00')) return { path: path + query, outcome: 'refuse' };
    path = normalizePath(path);
  }
  if (policy.mergeSlashes) path = mergeSlashes(path);
  const redirect = hadEscapes && policy.escapedSlashes === 'UNESCAPE_AND_REDIRECT';
  return { path: path + query, outcome: redirect ? 'redirect' : 'go on' };
}

/** A path of slashes alone keeps two of them, as in Envoy: the first and the last. */
const mergeSlashes = (path: string): string => (/^\/{2,}$/.test(path) ? '//' : path.replace(/\/{2,}/g, '/'));

function withoutFragment(path: string): string {
  const at = path.indexOf('#');
  return at < 0 ? path : path.slice(0, at);
}

const slashOf = (escaped: string): string => (escaped.toLowerCase() === '%2f' ? '/' : '\\');

const UNRESERVED = /[A-Za-z0-9._~-]/;
const ALWAYS_ESCAPED = /["<>^`{|}]/g;
const ESCAPE = /^%[0-9A-Fa-f]{2}/;

/**
 * Characters that need no escape lose it. Where that would make a new escape with a percent sign that began none (`%%32%66`), this sign
 * becomes `%25`, so that nobody behind can decode a second time. Source: DoPartialPathInternal in googleurl.
 */
function unescapeUnreserved(path: string): string {
  if (!path.includes('%')) return path;
  let out = '';
  let stray = -1;
  for (let at = 0; at < path.length; at++) {
    const escaped = path[at] === '%' ? ESCAPE.exec(path.slice(at, at + 3))?.[0] : undefined;
    if (escaped === undefined) {
      if (path[at] === '%') stray = out.length;
      out += path[at];
      continue;
    }
    at += 2;
    const character = String.fromCharCode(Number.parseInt(escaped.slice(1), 16));
    if (!UNRESERVED.test(character)) out += escaped;
    else {
      out += character;
      const near = stray >= 0 && stray >= out.length - 3;
      const behind = stray === out.length - 2 ? (path[at + 1] ?? '') : '';
      if (near && ESCAPE.test(out.slice(stray) + behind)) out = `${out.slice(0, stray)}%25${out.slice(stray + 1)}`;
    }
  }
  return out;
}

/** Istio's path normalization BASE, for a path without query: escapes, `\` as `/`, dot segments. */
export function normalizePath(path: string): string {
  const plain = unescapeUnreserved(path.replaceAll('\\', '/')).replace(
    ALWAYS_ESCAPED,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const segments: string[] = [];
  const parts = plain.split('/').slice(1);
  for (const [i, part] of parts.entries()) {
    const dots = dotSegment(part);
    if (dots === 2) segments.pop();
    if (dots > 0) {
      if (i === parts.length - 1) segments.push('');
    } else segments.push(part);
  }
  return `/${segments.join('/')}`;
}

/** 1 for `.`, 2 for `..`, also with path parameters behind them (`..;x`), which would hide them; 0 for anything else. */
function dotSegment(part: string): number {
  const end = part.indexOf(';');
  const name = end < 0 ? part : part.slice(0, end);
  return name === '.' ? 1 : name === '..' ? 2 : 0;
}
