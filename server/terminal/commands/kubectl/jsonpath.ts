import { UsageError } from '../../command.ts';

/**
 * kubectl's JSONPath templates: text with `{.items[*].metadata.name}`, `['key']`, `[0]`, `[-1]`, `[*]`, `[?(@.name=="x")].y`,
 * `{"\n"}` and `{range .items[*]}…{end}`. Source: kubernetes.io, JSONPath support.
 */
export function evaluateJsonPath(template: string, root: unknown): string {
  const pieces = splitTemplate(template.includes('{') ? template : `{${template}}`);
  const { text, rest } = render(pieces, root, root);
  if (rest.length > 0) throw new UsageError('error: error parsing jsonpath: unexpected {end}');
  return text;
}

type Piece = { readonly literal: string } | { readonly expression: string };

function splitTemplate(template: string): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < template.length) {
    const open = template.indexOf('{', at);
    if (open < 0) {
      pieces.push({ literal: template.slice(at) });
      break;
    }
    const close = closingBrace(template, open);
    if (close < 0) throw new UsageError('error: error parsing jsonpath: unclosed action');
    if (open > at) pieces.push({ literal: template.slice(at, open) });
    pieces.push({ expression: template.slice(open + 1, close).trim() });
    at = close + 1;
  }
  return pieces;
}

function closingBrace(text: string, open: number): number {
  let quote = '';
  for (let i = open + 1; i < text.length; i++) {
    const char = text[i] ?? '';
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === '}') return i;
  }
  return -1;
}

function render(pieces: readonly Piece[], root: unknown, current: unknown): { text: string; rest: readonly Piece[] } {
  let text = '';
  let rest = pieces;
  for (;;) {
    const piece = rest[0];
    if (piece === undefined) return { text, rest };
    if ('literal' in piece) text += piece.literal;
    else if (piece.expression === 'end') return { text, rest };
    else if (piece.expression.startsWith('range')) {
      const items = select(piece.expression.slice('range'.length).trim(), root, current);
      let after: readonly Piece[] = skipToEnd(rest.slice(1));
      for (const item of items) {
        const turn = render(rest.slice(1), root, item);
        text += turn.text;
        after = turn.rest.slice(1);
      }
      rest = after;
      continue;
    } else if (/^["']/.test(piece.expression)) text += unquote(piece.expression);
    else text += select(piece.expression, root, current).map(show).join(' ');
    rest = rest.slice(1);
  }
}

function skipToEnd(pieces: readonly Piece[]): readonly Piece[] {
  const at = pieces.findIndex((piece) => 'expression' in piece && piece.expression === 'end');
  return at < 0 ? [] : pieces.slice(at + 1);
}

const unquote = (text: string): string => text.slice(1, -1).replace(/\\n/g, '\n').replace(/\\t/g, '\t');
const show = (value: unknown): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);

/** All values that a path selects. */
function select(path: string, root: unknown, current: unknown): unknown[] {
  let values: unknown[] = [path.startsWith('$') ? root : current];
  for (const step of pathSteps(path)) values = values.flatMap((value) => take(value, step));
  return values;
}

type Step =
  | { readonly key: string }
  | { readonly all: true }
  | { readonly index: number }
  | { readonly filter: readonly [string, string, string] };

function pathSteps(path: string): Step[] {
  const steps: Step[] = [];
  const pattern =
    /\.?\[\?\(@\.([\w.-]+)\s*(==|!=)\s*["']?([^"')\]]*)["']?\)\]|\.?\[['"]([^'"]+)['"]\]|\.?\[(\*|-?\d+)\]|\.((?:[\w-]|\\\.)+|\*)/y;
  let at = path.startsWith('$') || path.startsWith('@') ? 1 : 0;
  while (at < path.length) {
    if (path[at] === '.' && at === path.length - 1) break;
    pattern.lastIndex = at;
    const found = pattern.exec(path);
    if (!found) throw new UsageError(`error: error parsing jsonpath ${path}: unexpected text at "${path.slice(at)}"`);
    at = pattern.lastIndex;
    const [, filterKey, operator, filterValue, quoted, index, name] = found;
    if (filterKey !== undefined) steps.push({ filter: [filterKey, operator ?? '==', filterValue ?? ''] });
    else if (quoted !== undefined) steps.push({ key: quoted });
    else if (index === '*' || name === '*') steps.push({ all: true });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else steps.push({ key: (name ?? '').replaceAll('\\.', '.') });
  }
  return steps;
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const children = Array.isArray(value) ? value : Object.values(value);
  if ('all' in step) return children;
  if ('index' in step) {
    const found = Array.isArray(value) ? value.at(step.index) : undefined;
    return found === undefined ? [] : [found];
  }
  if ('key' in step) {
    const found = Object.hasOwn(value, step.key) ? (value as Record<string, unknown>)[step.key] : undefined;
    return found === undefined ? [] : [found];
  }
  const [key, operator, wanted] = step.filter;
  return children.filter(
    (child) => (select(`.${key}`, child, child).map(show).join(' ') === wanted) === (operator === '=='),
  );
}
