import type { CaughtLinesView } from '#contract';

type CaughtRange = CaughtLinesView['lines'][number];

export interface LinePlace {
  file: string;
  line: number;
}

/** `reviews.yaml:14` of the address. */
export function readLine(text: string): LinePlace | undefined {
  const [, file, line] = /^(.+):(\d+)$/.exec(text) ?? [];
  return file !== undefined && line !== undefined ? { file, line: Number(line) } : undefined;
}

/** The smallest part of the text around a line that decided about requests: a field rather than its object. */
export function caughtAt(ranges: readonly CaughtRange[], { file, line }: LinePlace): CaughtRange | undefined {
  return ranges
    .filter((range) => range.file === file && range.line <= line && range.endLine >= line)
    .sort((a, b) => a.endLine - a.line - (b.endLine - b.line) || b.caught - a.caught)[0];
}

/** What stands at the right of a line. */
export interface LineNote {
  file: string;
  line: number;
  text: string;
  stop: boolean;
}

/** How many requests each part of the text caught, at its first line; where several begin, the one that caught most. */
export function lineNotes(ranges: readonly CaughtRange[]): LineNote[] {
  const notes = new Map<string, CaughtRange>();
  for (const range of ranges) {
    const key = `${range.file}:${range.line}`;
    const known = notes.get(key);
    if (known === undefined || range.caught > known.caught) notes.set(key, range);
  }
  return [...notes.values()].map(({ file, line, caught, stopped }) => ({
    file,
    line,
    text: stopped > 0 ? `${stopped} refused` : String(caught),
    stop: stopped > 0,
  }));
}

/** `Lines 14–16 caught 41 of 60 since push 2`. */
export function caughtWords(view: CaughtLinesView, place: LinePlace, found: CaughtRange | undefined): string {
  const since = view.sincePush === undefined ? '' : ` since push ${view.sincePush}`;
  if (view.looked === 0) return `No request${since} yet.`;
  const where = found && found.endLine > found.line ? `Lines ${found.line}–${found.endLine}` : `Line ${place.line}`;
  return `${where} caught ${found?.caught ?? 0} of ${view.looked}${since}`;
}
