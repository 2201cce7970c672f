/**
 * Objects of JSON one behind the other, as `kubectl get -o json` of several files joins them: each by itself, behind as many empty lines
 * and spaces as stand before it, so that positions stay true. One object, and YAML, come back as they are. Source: YAMLOrJSONDecoder in
 * k8s.io/apimachinery.
 */
export function splitJsonStream(given: string): readonly string[] {
  const text = given.startsWith('\uFEFF') ? given.slice(1) : given;
  const first = skipSpace(text, 0);
  if (text[first] !== '{') return [given];
  const parts: string[] = [];
  let [start, line, lineStart] = [first, 0, 0];
  let counted = 0;
  while (text[start] === '{') {
    const end = endOfObject(text, start);
    if (end === undefined) return [given];
    for (let at = text.indexOf('\n', counted); at >= 0 && at < start; at = text.indexOf('\n', at + 1)) {
      line++;
      lineStart = at + 1;
    }
    counted = start;
    parts.push('\n'.repeat(line) + ' '.repeat(start - lineStart) + text.slice(start, end));
    start = skipSpace(text, end);
  }
  return start === text.length && parts.length > 1 ? parts : [given];
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && /\s/.test(text[at] ?? '')) at++;
  return at;
}

/** Behind the bracket that closes the object; undefined where none does. */
function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  let quoted = false;
  for (let at = start; at < text.length; at++) {
    const char = text[at];
    if (quoted) {
      if (char === '\\') at++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{') depth++;
    else if (char === '}' && --depth === 0) return at + 1;
  }
  return undefined;
}
