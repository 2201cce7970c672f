import { isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import type { SourceLocation } from '#domain';
import type { FieldPosition } from './document.ts';
import { childPath, parentPath } from './path.ts';

/** Turns offsets of a text into lines and columns. */
export interface TextPlace {
  readonly file: string;
  readonly text: string;
  readonly lines: LineCounter;
}

export function locationOf(place: TextPlace, from: number, to: number): SourceLocation {
  const start = place.lines.linePos(Math.max(0, from));
  const end = place.lines.linePos(Math.max(from, to));
  return { file: place.file, line: start.line, column: start.col, endLine: end.line, endColumn: end.col };
}

/** A node's own text, without the blank space and comments behind it. */
export function nodeLocation(place: TextPlace, node: Node): SourceLocation {
  const [from, to] = node.range ?? [0, 0, 0];
  let end = Math.max(from, to);
  while (end > from && /\s/.test(place.text[end - 1] ?? '')) end--;
  return locationOf(place, from, end);
}

const keyText = (key: unknown): string => String(isScalar(key) ? key.value : key);

/** The place of every field below this node. */
export function fieldPositions(place: TextPlace, root: Node): Map<string, FieldPosition> {
  const found = new Map<string, FieldPosition>([['', { value: nodeLocation(place, root) }]]);
  const visit = (node: unknown, path: string): void => {
    if (isMap(node)) for (const pair of node.items) field(pair, path);
    else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) {
        const at = childPath(path, index);
        found.set(at, { value: nodeLocation(place, item as Node) });
        visit(item, at);
      }
    }
  };
  const field = (pair: Pair, path: string): void => {
    const at = childPath(path, keyText(pair.key));
    const key = nodeLocation(place, pair.key as Node);
    const value = pair.value as Node | null;
    // `key:` with nothing behind it has a value of no length at its end.
    const empty = value === null || (isScalar(value) && value.value === null);
    found.set(at, { key, value: empty ? key : nodeLocation(place, value) });
    if (!isAlias(value)) visit(value, at);
  };
  visit(root, '');
  return found;
}

/** The position at the path, or at its nearest ancestor. */
export function nearest(
  fields: ReadonlyMap<string, FieldPosition>,
  path: string,
): { path: string; position: FieldPosition } {
  for (let at: string | undefined = path; at !== undefined; at = parentPath(at)) {
    const position = fields.get(at);
    if (position) return { path: at, position };
  }
  throw new RangeError('a document without a root');
}

const covers = (range: SourceLocation, line: number, column: number): boolean =>
  (line > range.line || (line === range.line && column >= range.column)) &&
  (line < range.endLine || (line === range.endLine && column <= range.endColumn));

/** The innermost field at a place. */
export function innermost(
  fields: ReadonlyMap<string, FieldPosition>,
  line: number,
  column: number,
): string | undefined {
  let best: string | undefined;
  for (const [path, { key, value }] of fields) {
    const inside = covers(value, line, column) || (key !== undefined && covers(key, line, column));
    if (inside && (best === undefined || path.length >= best.length)) best = path;
  }
  return best;
}
