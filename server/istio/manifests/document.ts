import type { Diagnostic, KubeObject, SourceLocation } from '#domain';

/** One file of manifests. */
export interface ManifestFile {
  readonly file: string;
  readonly text: string;
}

/** Where a field stands: its value, and its key where it has one. */
export interface FieldPosition {
  readonly value: SourceLocation;
  readonly key?: SourceLocation;
}

/** One object of a file, with the place of each of its fields. */
export interface ParsedDocument {
  readonly file: string;
  /** Position of the YAML document in its file, from 0. */
  readonly index: number;
  /** apiVersion, kind and metadata.name are strings; nothing else is checked yet. */
  readonly object: KubeObject;
  /** The whole object's place. */
  readonly range: SourceLocation;
  /** Places by field path: `spec.http[0].route[1].weight`. Keys with dots or slashes stand in brackets: `metadata.labels[a.b/c]`. */
  fields(): ReadonlyMap<string, FieldPosition>;
  /** The value at this path, or the nearest ancestor that is written in the text. */
  locate(path: string): SourceLocation;
  /** The key at this path, or the value where there is no key, or the nearest ancestor. */
  locateKey(path: string): SourceLocation;
  /** The path of the innermost field at this place; undefined outside the object. Lines and columns start at 1. */
  fieldAt(line: number, column: number): string | undefined;
}

/** A document that gives no object, with the reasons. What it says of itself is empty where it does not say it. */
export interface UnreadableDocument {
  readonly file: string;
  /** Position of the YAML document in its file, from 0. */
  readonly index: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The fields that could be read; none where the text is no YAML. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly diagnostics: readonly Diagnostic[];
}

export interface ParseResult {
  readonly documents: readonly ParsedDocument[];
  readonly unreadable: readonly UnreadableDocument[];
  /** All diagnostics of the unreadable documents. */
  readonly diagnostics: readonly Diagnostic[];
}
