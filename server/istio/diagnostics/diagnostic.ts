import { type Diagnostic, type FieldProblem, MeshworkError, type Origin, type SourceLocation } from '#domain';
import { type CatalogueEntry, diagnosticCatalogue } from './catalogue.ts';
import type { Meaning } from './suggest.ts';

const byCode: ReadonlyMap<string, CatalogueEntry> = new Map(diagnosticCatalogue.map((entry) => [entry.code, entry]));

/** Values for a template's placeholders; a list is printed as Go prints it: `[a b]`. */
export type Arguments = Readonly<Record<string, string | number | readonly (string | number)[]>>;

/** The catalogue's entry. Throws MeshworkError for a code that is not in it. */
export function catalogueEntry(code: string): CatalogueEntry {
  const entry = byCode.get(code);
  if (!entry) throw new MeshworkError('ISTIO_CODE', `No catalogue entry for ${code}`);
  return entry;
}

export function fillIn(template: string, values: Arguments): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? '';
    return typeof value === 'object' ? `[${value.join(' ')}]` : String(value);
  });
}

export interface DiagnosticParts {
  readonly values?: Arguments;
  readonly origin?: Origin;
  readonly location?: SourceLocation | undefined;
  /** Instead of the catalogue's hint. */
  readonly hint?: string | undefined;
  readonly fix?: Diagnostic['fix'] | undefined;
}

/** A diagnostic of a catalogued code. */
export function diagnostic(code: string, parts: DiagnosticParts): Diagnostic {
  const entry = catalogueEntry(code);
  const values = parts.values ?? {};
  return {
    code,
    severity: entry.severity,
    message: fillIn(entry.template, values),
    hint: parts.hint ?? fillIn(entry.hint, values),
    ...(parts.origin ? { origin: parts.origin } : {}),
    ...(parts.location ? { location: parts.location } : {}),
    ...(entry.lesson ? { lesson: entry.lesson } : {}),
    ...(parts.fix ? { fix: parts.fix } : {}),
  };
}

/** A field's problem of a catalogued code. `advice`: another hint, or the word that its author may have had in mind. */
export function catalogued(code: string, path: string, values: Arguments, advice?: string | Meaning): FieldProblem {
  const entry = catalogueEntry(code);
  const meant = typeof advice === 'object' ? advice : undefined;
  const hint = typeof advice === 'object' ? `Did you mean "${advice.word}"?` : advice;
  return {
    code,
    severity: entry.severity === 'error' ? 'error' : 'warning',
    path,
    message: fillIn(entry.template, values),
    ...(entry.webhook !== undefined && { warning: fillIn(entry.webhook, values) }),
    hint: hint ?? fillIn(entry.hint, values),
    ...(meant?.isCertain && { meant: meant.word }),
  };
}
