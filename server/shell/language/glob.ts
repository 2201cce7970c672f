import { RE2JS } from 're2js';

/** Text of a word, and whether quotes took the meaning of its `*`, `?` and `[` away. */
export interface Piece {
  readonly text: string;
  readonly quoted: boolean;
}

/** How far a `*` reaches: as far as it can, or no farther than it must. */
type Reach = 'far' | 'near';

const CLASS = /^\[[!^]?\]?(?:\[:[a-z]+:\]|[^\]])*\]/;

/** Whether a word is a pattern. */
export const isPattern = (pieces: readonly Piece[]): boolean =>
  pieces.some(({ text, quoted }) => !quoted && /[*?]|\[.*\]/s.test(text));

/** The RE2 source of a shell pattern. `inPath`: `*` and `?` stop at a slash. Source: POSIX, Shell Command Language, 2.14. */
export function patternSource(
  pieces: readonly Piece[],
  { inPath = false, reach = 'far' }: { readonly inPath?: boolean; readonly reach?: Reach } = {},
): string {
  const any = inPath ? '[^/]' : '(?s:.)';
  let source = '';
  for (const { text, quoted } of pieces) {
    let rest = quoted ? '' : text;
    if (quoted) source += RE2JS.quote(text);
    while (rest !== '') {
      const list = CLASS.exec(rest)?.[0];
      if (rest[0] === '*') source += `${any}*${reach === 'far' ? '' : '?'}`;
      else if (rest[0] === '?') source += any;
      else source += list === undefined ? RE2JS.quote(rest[0] ?? '') : listSource(list);
      rest = rest.slice(list?.length ?? 1);
    }
  }
  return source;
}

/** `[!a-c]` → `[^a-c]`, with what RE2 would read as its own escaped. */
function listSource(list: string): string {
  const [, negated, members = ''] = /^\[([!^]?)(.*)\]$/s.exec(list) ?? [];
  const escaped = members.replace(/\[:[a-z]+:\]|[\\[\]^]/g, (found) => (found.length > 1 ? found : `\\${found}`));
  return `[${negated ? '^' : ''}${escaped}]`;
}

/** Whether the whole text matches. Throws when the pattern is none. */
export const matchesPattern = (text: string, pieces: readonly Piece[]): boolean =>
  RE2JS.compile(patternSource(pieces)).matches(text);

/** The files and folders that a word names, sorted; none where nothing matches. */
export function matchPaths(pieces: readonly Piece[], paths: readonly string[]): string[] {
  const [, lead = ''] = /^((?:\.|~)\/+)/.exec(pieces[0]?.text ?? '') ?? [];
  const own = lead === '' ? pieces : [{ ...pieces[0]!, text: pieces[0]!.text.slice(lead.length) }, ...pieces.slice(1)];
  const depth = own.reduce((slashes, { text }) => slashes + text.split('/').length - 1, 1);
  const pattern = RE2JS.compile(patternSource(own, { inPath: true }));
  const found = new Set<string>();
  for (const path of paths) {
    const parts = path.split('/');
    if (parts.length < depth) continue;
    const candidate = parts.slice(0, depth).join('/');
    if (pattern.matches(candidate)) found.add(lead + candidate);
  }
  return [...found].sort();
}

/** What `${name#pattern}` and its three siblings leave. */
export function trimmed(text: string, operator: '#' | '##' | '%' | '%%', pieces: readonly Piece[]): string {
  const source = patternSource(pieces, { reach: operator === '#' ? 'near' : 'far' });
  const around = {
    '#': `^(?:${source})`,
    '##': `^(?:${source})`,
    '%': `^((?s:.)*)(?:${source})$`,
    '%%': `^((?s:.)*?)(?:${source})$`,
  };
  const found = RE2JS.compile(around[operator]).matcher(text);
  if (!found.find()) return text;
  return operator.startsWith('#') ? text.slice(found.end()) : (found.group(1) ?? '');
}

/** `${name/pattern/text}`, and with `all` `${name//pattern/text}`. */
export function replaced(
  text: string,
  pieces: readonly Piece[],
  by: { readonly with: string; readonly all: boolean },
): string {
  const found = RE2JS.compile(patternSource(pieces), RE2JS.LONGEST_MATCH).matcher(text);
  let result = '';
  let at = 0;
  while (found.find()) {
    if (found.end() === found.start()) continue;
    result += text.slice(at, found.start()) + by.with;
    at = found.end();
    if (!by.all) break;
  }
  return result + text.slice(at);
}
