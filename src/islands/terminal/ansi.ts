const ESC = 27;
const BEL = 7;

/** Text without colours and cursor movements, for the plain log. */
export function stripAnsi(text: string): string {
  let plain = '';
  let index = 0;
  while (index < text.length) {
    if (text.charCodeAt(index) === ESC) {
      index = afterSequence(text, index);
      continue;
    }
    const character = text[index] ?? '';
    if (character !== '\r') plain += character;
    index += 1;
  }
  return plain;
}

function afterSequence(text: string, start: number): number {
  const kind = text[start + 1];
  let index = start + 2;
  if (kind === '[') {
    while (index < text.length && !/[@-~]/.test(text[index] ?? '')) index += 1;
    return index + 1;
  }
  if (kind === ']') {
    while (index < text.length && text.charCodeAt(index) !== BEL) index += 1;
    return index + 1;
  }
  return index;
}

/** Keeps the newest `most` lines of a log that grows by pieces. */
export function appendLog(lines: readonly string[], piece: string, most = 2000): string[] {
  const parts = stripAnsi(piece).split('\n');
  const last = lines.at(-1) ?? '';
  return [...lines.slice(0, -1), last + (parts[0] ?? ''), ...parts.slice(1)].slice(-most);
}

/** A terminal wants `\r\n`; programs write `\n`. */
export function toTerminal(text: string): string {
  return text.replace(/\r?\n/g, '\r\n');
}
