import { UsageError } from '../../../command.ts';

export type Operator = '==' | '!=' | '<' | '<=' | '>' | '>=';

export type Step =
  | { readonly type: 'key'; readonly name: string }
  | { readonly type: 'all' }
  /** Everything below, at any depth. */
  | { readonly type: 'below' }
  | { readonly type: 'index'; readonly index: number }
  | { readonly type: 'slice'; readonly from: number | undefined; readonly to: number | undefined }
  | { readonly type: 'union'; readonly names: readonly string[] }
  /** `[?(@.name=="http2")]`; without operator: the path leads somewhere. */
  | { readonly type: 'filter'; readonly path: Path; readonly operator?: Operator; readonly value?: string | number };

export interface Path {
  readonly from: 'root' | 'current';
  readonly steps: readonly Step[];
}

export type Piece =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'path'; readonly path: Path }
  | { readonly type: 'range'; readonly path: Path; readonly body: readonly Piece[] };

const MAX_PATH = 1000;

const wrong = (text: string): UsageError => new UsageError(`error: error parsing jsonpath ${text}`);

/** Reads a template. Source: kubernetes.io, JSONPath support. */
export function parseTemplate(template: string): Piece[] {
  const stack: { path: Path | undefined; body: Piece[] }[] = [{ path: undefined, body: [] }];
  const text = template.includes('{') ? template : `{${/^[.[$@]/.test(template) ? '' : '.'}${template}}`;
  let at = 0;
  while (at < text.length) {
    const body = stack.at(-1)?.body ?? [];
    const open = text.indexOf('{', at);
    if (open !== at) body.push({ type: 'text', text: text.slice(at, open < 0 ? undefined : open) });
    if (open < 0) break;
    const close = closingBrace(text, open);
    if (close < 0) throw wrong(`${template}, unclosed action`);
    const action = text.slice(open + 1, close).trim();
    at = close + 1;
    if (action === 'end') {
      const range = stack.length > 1 ? stack.pop() : undefined;
      if (!range?.path) throw wrong(`${template}, not in range, nothing to end`);
      stack.at(-1)?.body.push({ type: 'range', path: range.path, body: range.body });
    } else if (/^range\s/.test(action)) stack.push({ path: parsePath(action.slice(5).trim()), body: [] });
    else if (/^(["']).*\1$/s.test(action)) body.push({ type: 'text', text: unquote(action) });
    else for (const part of splitPaths(action)) body.push({ type: 'path', path: parsePath(part) });
    if (stack.length > 20) throw wrong('with too many ranges inside one another');
  }
  if (stack.length > 1) throw wrong(`${template}, unclosed range`);
  return stack[0]?.body ?? [];
}

/** Several paths may stand in one action, parted by blanks; blanks inside brackets belong to a filter. */
const splitPaths = (action: string): string[] => action.match(/(?:\[[^\]]*\]|[^\s[]|\[)+/g) ?? [];

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

const unquote = (text: string): string => text.slice(1, -1).replace(/\\n/g, '\n').replace(/\\t/g, '\t');

const STEP =
  /(?<below>\.\.)|\.?\[\?\(\s*@(?<filter>[^=!<>)]*?)\s*(?:(?<operator>==|!=|<=|>=|<|>)\s*(?<value>"[^"]*"|'[^']*'|[^)"'\s]+)\s*)?\)\]|\.?\[(?<names>\s*(?:'[^']*'|"[^"]*")(?:\s*,\s*(?:'[^']*'|"[^"]*"))*\s*)\]|\.?\[(?:(?<all>\*)|(?<index>-?\d+)|(?<from>-?\d*):(?<to>-?\d*))\]|\.?(?<wild>\*)|\.?(?<key>(?:[^.[\]{}()'"\s\\]|\\.)+)/y;

/** Reads `.items[0].metadata.name`, with or without `$` or `@` before it. */
export function parsePath(text: string): Path {
  if (text.length > MAX_PATH) throw wrong('longer than 1000 characters');
  const steps: Step[] = [];
  let at = text.startsWith('$') || text.startsWith('@') ? 1 : 0;
  while (at < text.length) {
    // A lone dot names the object itself.
    if (text[at] === '.' && at === text.length - 1) break;
    STEP.lastIndex = at;
    const found = STEP.exec(text);
    if (!found) throw wrong(`{${text}}, unrecognized character at "${text.slice(at)}"`);
    at = STEP.lastIndex;
    steps.push(toStep(found.groups ?? {}));
  }
  return { from: text.startsWith('$') ? 'root' : 'current', steps };
}

function toStep(found: Readonly<Record<string, string | undefined>>): Step {
  const { below, filter, operator, value, names, all, index, from, to, wild, key = '' } = found;
  if (below) return { type: 'below' };
  if (filter !== undefined) {
    const path = parsePath(`@${filter}`);
    if (operator === undefined || value === undefined) return { type: 'filter', path };
    const quoted = /^["'](.*)["']$/s.exec(value)?.[1];
    const number = Number(value);
    return {
      type: 'filter',
      path,
      operator: operator as Operator,
      value: quoted ?? (Number.isNaN(number) ? value : number),
    };
  }
  if (names !== undefined) {
    const list = [...names.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? '');
    return { type: 'union', names: list };
  }
  if (all || wild) return { type: 'all' };
  if (index !== undefined) return { type: 'index', index: Number(index) };
  if (from !== undefined || to !== undefined)
    return { type: 'slice', from: from ? Number(from) : undefined, to: to ? Number(to) : undefined };
  return { type: 'key', name: key.replace(/\\(.)/g, '$1') };
}
