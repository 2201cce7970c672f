import type { LineState } from './line-editor.ts';

const ESC = '\u001b';

export interface Drawn {
  /** What to write so that the screen shows the line with the cursor in its place. */
  text: string;
  /** Row of the cursor below the prompt's first row, to be given to the next drawing. */
  row: number;
}

export interface Prompt {
  text: string;
  /** In the dimmed colour of the prompt; the length counts without colours. */
  dim: boolean;
}

/** Draws prompt and line anew from the prompt's first row, also where they take several rows of `columns`. */
export function drawLine(prompt: Prompt, state: LineState, before: { row: number; columns: number }): Drawn {
  const { columns } = before;
  const found = state.search;
  const label = found ? `(search) ${found.query}: ` : prompt.text;
  const shown = prompt.dim || found ? `${ESC}[90m${label}${ESC}[39m` : label;
  const up = before.row > 0 ? `${ESC}[${before.row}A` : '';
  const total = label.length + state.line.length;
  const cursorAt = label.length + state.cursor;
  // A line that ends exactly at the edge leaves the cursor waiting there; a space and a return make the next row real.
  const edge = total > 0 && total % columns === 0 ? ' \r' : '';
  const lastRow = Math.floor(total / columns);
  const row = Math.floor(cursorAt / columns);
  const back = lastRow > row ? `${ESC}[${lastRow - row}A` : '';
  const column = cursorAt % columns;
  const across = column > 0 ? `${ESC}[${column}C` : '';
  return { text: `\r${up}${ESC}[J${shown}${state.line}${edge}${back}\r${across}`, row };
}
