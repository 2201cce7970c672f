import type { Diagnostic } from '#contract';

export type Fix = NonNullable<Diagnostic['fix']>;

/** One problem in a file, from whoever found it. */
export interface Problem {
  key: string;
  file: string;
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  severity: 'error' | 'warning' | 'info';
  /** Ours and Istio's have a code; the schema's have none. */
  code: string;
  message: string;
  hint: string;
  lesson: string;
  /** A repair that is certain. */
  fix?: Fix;
}

type Place = Pick<Problem, 'file' | 'line' | 'column' | 'endLine' | 'endColumn'>;
const ORDER = { error: 0, warning: 1, info: 2 } as const;

/** The server's diagnostics as problems; one about an object that is in force and stands in no file has line 0. */
export function fromServer(diagnostics: readonly Diagnostic[], firstFile: string): Problem[] {
  return diagnostics.map((one, index) => {
    const place: Place = one.location ?? {
      file: nameOf(one) ?? firstFile,
      line: 0,
      column: 0,
      endLine: 0,
      endColumn: 0,
    };
    const { file, line, column, endLine, endColumn } = place;
    return {
      key: `${one.code} ${file} ${line} ${index}`,
      file,
      line,
      column,
      endLine,
      endColumn,
      severity: one.severity,
      code: one.code,
      message: one.message,
      hint: one.hint ?? '',
      lesson: one.lesson ?? '',
      ...(one.fix && { fix: one.fix }),
    };
  });
}

function nameOf({ origin }: Diagnostic): string | undefined {
  return origin && `${origin.kind} ${origin.name}, in force`;
}

/** True where the server speaks about one of the marker's lines: then its words are shown and the schema's are not. */
export function serverSpeaks(server: readonly Problem[], file: string, from: number, to: number): boolean {
  return server.some((one) => one.file === file && one.line <= to && one.endLine >= from);
}

/** Both lists in one: the server's words win on a shared line; errors first, then by place. */
export function mergeProblems(server: readonly Problem[], schema: readonly Problem[]): Problem[] {
  const kept = schema.filter((one) => !serverSpeaks(server, one.file, one.line, one.endLine));
  return [...server, ...kept].sort(
    (a, b) =>
      ORDER[a.severity] - ORDER[b.severity] || a.file.localeCompare(b.file) || a.line - b.line || a.column - b.column,
  );
}

/** The text with the repair's range replaced. Places that the text no longer has are taken at its end. */
export function applyFix(text: string, { range, text: replacement }: Fix): string {
  const lines = text.split('\n');
  const offsetOf = (line: number, column: number): number => {
    const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
    return Math.min(text.length, before + Math.min(column - 1, lines[line - 1]?.length ?? 0));
  };
  const from = offsetOf(range.line, range.column);
  return text.slice(0, from) + replacement + text.slice(Math.max(from, offsetOf(range.endLine, range.endColumn)));
}
