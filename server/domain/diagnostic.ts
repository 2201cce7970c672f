export type Severity = 'error' | 'warning' | 'info';

/** A range in a learner's text. Lines and columns start at 1; the end is exclusive in columns. */
export interface TextRange {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** The object and field that something came from, for example the VirtualService field that made a route. */
export interface Origin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** Field path such as `spec.http[0].route[1]`; empty for the whole object. */
  readonly path: string;
}

/** Where in the learner's files an origin stands. */
export interface SourceLocation extends TextRange {
  readonly file: string;
}

/**
 * Something to tell the learner about their YAML. Codes are permanent: Istio's `IST0xxx` where Istio has one,
 * `MW` and four digits where only Meshwork does (the catalogue is in server/istio).
 */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** What to do about it, one sentence. */
  readonly hint?: string;
  readonly origin?: Origin;
  readonly location?: SourceLocation;
  /** Day or glossary page that explains it, as a site path. */
  readonly lesson?: string;
  /** A certain repair: replace this range by this text. */
  readonly fix?: { readonly title: string; readonly range: SourceLocation; readonly text: string };
}
