import type { Entry, Limit, LimitNode, LimitTable } from './limits.ts';

/** A limit, and the entries by which it counts: values that share a limit stand as their pattern. */
export interface FoundLimit {
  readonly limit: Limit;
  readonly entries: readonly Entry[];
}

/**
 * The limit of a descriptor: at each entry its key with its value, else the first value with stars that fits, else its key alone. Only a limit as
 * deep as the descriptor counts. Source: GetLimit in envoyproxy/ratelimit.
 */
export function findLimit(table: LimitTable, domain: string, entries: readonly Entry[]): FoundLimit | undefined {
  let at = table.get(domain);
  const counted: Entry[] = [];
  for (const { key, value } of entries) {
    const next: Step | undefined = at && childOf(at, key, value);
    if (next === undefined) return undefined;
    counted.push({ key, value: next.pattern ?? value });
    at = next.node;
  }
  return entries.length === 0 || at?.limit === undefined ? undefined : { limit: at.limit, entries: counted };
}

interface Step {
  readonly node: LimitNode;
  readonly pattern: string | undefined;
}

function childOf({ children, wildcards }: LimitNode, key: string, value: string): Step | undefined {
  const full = `${key}_${value}`;
  const exact = children.get(full);
  if (exact !== undefined) return { node: exact, pattern: undefined };
  const [starred] = wildcards.find(([, parts]) => fits(full, parts)) ?? [];
  const node = children.get(starred ?? key);
  if (node === undefined) return undefined;
  return { node, pattern: starred !== undefined && node.shares ? starred.slice(key.length + 1) : undefined };
}

/** Whether a text is these parts in their order, with anything between them. */
function fits(text: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop() ?? '';
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (text.length < length || !text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}
