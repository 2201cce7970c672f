import { type Document, isMap, isPair, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import type { SourceLocation } from '#domain';

/** Finds fields of one YAML document in its text. */
export interface SourceMap {
  /** Where the field stands: from its key to the end of its value; the nearest present parent when it is absent. */
  locate(path: string): SourceLocation;
}

export function sourceMap(file: string, document: Document.Parsed, lines: LineCounter): SourceMap {
  const range = (start: number, end: number): SourceLocation => {
    const from = lines.linePos(start);
    const to = lines.linePos(Math.max(start, end));
    return { file, line: from.line, column: from.col, endLine: to.line, endColumn: to.col };
  };
  return {
    locate: (path) => {
      let at: Node | Pair | null | undefined = document.contents;
      for (const key of pathKeys(path)) {
        const next: Node | Pair | undefined = child(isPair(at) ? (at.value as Node | null) : at, key);
        if (next === undefined) break;
        at = next;
      }
      const [start, end] = extent(at);
      return range(start, end);
    },
  };
}

/** `spec.http[0].match['x.y']` → `['spec', 'http', 0, 'match', 'x.y']` */
export function pathKeys(path: string): (string | number)[] {
  const keys: (string | number)[] = [];
  for (const [, word, index, quoted] of path.matchAll(/([^.[\]]+)|\[(\d+)\]|\[['"]?([^\]'"]+)['"]?\]/g)) {
    if (index !== undefined) keys.push(Number(index));
    else keys.push(word ?? quoted ?? '');
  }
  return keys;
}

function child(node: Node | null | undefined, key: string | number): Node | Pair | undefined {
  if (isSeq(node)) return typeof key === 'number' ? (node.items[key] as Node | undefined) : undefined;
  if (!isMap(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key)) as Pair | undefined;
}

function extent(at: Node | Pair | null | undefined): readonly [number, number] {
  if (isPair(at)) {
    const key = (at.key as Node).range;
    const value = (at.value as Node | null)?.range;
    return [key?.[0] ?? 0, value?.[1] ?? key?.[1] ?? 0];
  }
  return [at?.range?.[0] ?? 0, at?.range?.[1] ?? 0];
}
