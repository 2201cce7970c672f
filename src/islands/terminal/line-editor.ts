/** One line being typed, with its history. Immutable: `feed` answers the next one. */
export interface LineState {
  line: string;
  /** 0 to line.length. */
  cursor: number;
  /** Oldest first. */
  history: readonly string[];
  /** Place in the history that is shown; undefined: the line being written. */
  at: number | undefined;
  /** What was being written before the history was looked through. */
  draft: string;
  /** Text that Ctrl+W, Ctrl+U and Ctrl+K took last; Ctrl+Y puts it back. */
  taken: string;
  search: { query: string; found: number | undefined } | undefined;
}

export type Effect = { kind: 'run'; line: string } | { kind: 'interrupt' } | { kind: 'complete' } | { kind: 'clear' };

export interface Fed {
  state: LineState;
  effects: Effect[];
}

export const emptyLine: LineState = {
  line: '',
  cursor: 0,
  history: [],
  at: undefined,
  draft: '',
  taken: '',
  search: undefined,
};

const KEPT_HISTORY = 500;
type Key = (state: LineState) => LineState;

function edit(state: LineState, line: string, cursor: number): LineState {
  return { ...state, line, cursor: Math.min(line.length, Math.max(0, cursor)) };
}

function remove(state: LineState, from: number, to: number): LineState {
  return edit(state, state.line.slice(0, from) + state.line.slice(to), from);
}

function take(state: LineState, from: number, to: number): LineState {
  return from === to ? state : { ...remove(state, from, to), taken: state.line.slice(from, to) };
}

function wordBefore({ line, cursor }: LineState): number {
  return line.slice(0, cursor).replace(/\S+\s*$|\s+$/, '').length;
}

function wordAfter({ line, cursor }: LineState): number {
  return cursor + (/^\s*\S*/.exec(line.slice(cursor))?.[0].length ?? 0);
}

function fromHistory(state: LineState, at: number | undefined): LineState {
  const draft = state.at === undefined ? state.line : state.draft;
  const line = at === undefined ? draft : (state.history[at] ?? '');
  return { ...state, at, draft, line, cursor: line.length };
}

function older(state: LineState): LineState {
  const at = state.at === undefined ? state.history.length - 1 : state.at - 1;
  return at < 0 ? state : fromHistory(state, at);
}

function newer(state: LineState): LineState {
  if (state.at === undefined) return state;
  return fromHistory(state, state.at + 1 < state.history.length ? state.at + 1 : undefined);
}

const left: Key = (state) => edit(state, state.line, state.cursor - 1);
const right: Key = (state) => edit(state, state.line, state.cursor + 1);
const home: Key = (state) => edit(state, state.line, 0);
const end: Key = (state) => edit(state, state.line, state.line.length);
const rubOut: Key = (state) => (state.cursor === 0 ? state : remove(state, state.cursor - 1, state.cursor));
const deleteHere: Key = (state) => remove(state, state.cursor, state.cursor + 1);
const wordLeft: Key = (state) => edit(state, state.line, wordBefore(state));
const wordRight: Key = (state) => edit(state, state.line, wordAfter(state));
const takeWord: Key = (state) => take(state, wordBefore(state), state.cursor);

const ESC = '\u001b';
const KEYS: Readonly<Record<string, Key>> = {
  [`${ESC}[D`]: left,
  '\u0002': left,
  [`${ESC}[C`]: right,
  '\u0006': right,
  [`${ESC}[A`]: older,
  '\u0010': older,
  [`${ESC}[B`]: newer,
  '\u000e': newer,
  [`${ESC}[H`]: home,
  [`${ESC}[1~`]: home,
  '\u0001': home,
  [`${ESC}[F`]: end,
  [`${ESC}[4~`]: end,
  '\u0005': end,
  [`${ESC}[3~`]: deleteHere,
  '\u0004': deleteHere,
  '\u007f': rubOut,
  '\b': rubOut,
  '\u000b': (state) => take(state, state.cursor, state.line.length),
  '\u0015': (state) => take(state, 0, state.cursor),
  '\u0017': takeWord,
  [`${ESC}\u007f`]: takeWord,
  '\u0019': (state) => insert(state, state.taken),
  [`${ESC}b`]: wordLeft,
  [`${ESC}[1;5D`]: wordLeft,
  [`${ESC}f`]: wordRight,
  [`${ESC}[1;5C`]: wordRight,
};

function insert(state: LineState, text: string): LineState {
  return edit(
    state,
    state.line.slice(0, state.cursor) + text + state.line.slice(state.cursor),
    state.cursor + text.length,
  );
}

/** Replaces `from` to the cursor, as completion does. */
export function replaceWord(state: LineState, from: number, text: string): LineState {
  return insert(remove(state, from, state.cursor), text);
}

/** Splits what a terminal sends into keys and runs of text. */
export function keysOf(data: string): string[] {
  const keys: string[] = [];
  let index = 0;
  while (index < data.length) {
    const length = keyLength(data, index);
    keys.push(data.slice(index, index + length));
    index += length;
  }
  return keys;
}

function isControl(code: number): boolean {
  return code < 32 || code === 127;
}

function keyLength(data: string, from: number): number {
  if (data[from] === ESC) {
    const sequence = /^(\[[0-9;?]*[~A-Za-z]|O[A-Z]|.)/s.exec(data.slice(from + 1))?.[0] ?? '';
    return 1 + sequence.length;
  }
  if (isControl(data.charCodeAt(from))) return 1;
  let end = from;
  while (end < data.length && !isControl(data.charCodeAt(end))) end += 1;
  return end - from;
}

/** Takes what was typed or pasted. Pasted lines run one after the other. */
export function feed(state: LineState, data: string): Fed {
  let now = state;
  const effects: Effect[] = [];
  for (const key of keysOf(data)) {
    const next = now.search ? searchKey(now, key) : plainKey(now, key);
    now = next.state;
    effects.push(...next.effects);
  }
  return { state: now, effects };
}

function plainKey(state: LineState, key: string): Fed {
  const still = (next: LineState): Fed => ({ state: next, effects: [] });
  if (key === '\r' || key === '\n') return enter(state);
  if (key === '\t') return { state, effects: [{ kind: 'complete' }] };
  if (key === '\u0003') return { state: reset(state), effects: [{ kind: 'interrupt' }] };
  if (key === '\u000c') return { state, effects: [{ kind: 'clear' }] };
  if (key === '\u0012') return still({ ...state, search: { query: '', found: undefined } });
  const known = KEYS[key];
  if (known) return still(known(state));
  const printable = !isControl(key.charCodeAt(0)) && key[0] !== ESC;
  return still(printable ? insert(state, key) : state);
}

function reset(state: LineState): LineState {
  return { ...state, line: '', cursor: 0, at: undefined, draft: '', search: undefined };
}

function enter(state: LineState): Fed {
  const line = state.line;
  const keep = line.trim() !== '' && line !== state.history.at(-1);
  const history = keep ? [...state.history, line].slice(-KEPT_HISTORY) : state.history;
  return { state: { ...reset(state), history }, effects: [{ kind: 'run', line }] };
}

/** The newest line with `query` in it, at or before `before`. */
function findBack(history: readonly string[], query: string, before: number): number | undefined {
  for (let index = Math.min(before, history.length - 1); index >= 0; index--) {
    if (history[index]?.includes(query)) return index;
  }
  return undefined;
}

function searchKey(state: LineState, key: string): Fed {
  const search = state.search ?? { query: '', found: undefined };
  const to = (query: string, found: number | undefined): Fed => {
    const line = found === undefined ? state.line : (state.history[found] ?? '');
    return { state: { ...state, line, cursor: line.length, search: { query, found } }, effects: [] };
  };
  if (key === '\u0012') {
    const before = (search.found ?? state.history.length) - 1;
    return to(search.query, findBack(state.history, search.query, before) ?? search.found);
  }
  if (key === '\u007f' || key === '\b') {
    const query = search.query.slice(0, -1);
    return to(query, query === '' ? undefined : findBack(state.history, query, state.history.length - 1));
  }
  if (key === '\u0003' || key === '\u0007') return { state: reset(state), effects: [] };
  if (key.length > 0 && !isControl(key.charCodeAt(0)) && key[0] !== ESC) {
    const query = search.query + key;
    return to(query, findBack(state.history, query, search.found ?? state.history.length - 1));
  }
  // Any other key takes the found line and then does its own work.
  return plainKey({ ...state, search: undefined }, key);
}
