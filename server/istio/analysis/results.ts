import type { Diagnostic, KubeObject, Severity } from '#domain';
import { type Arguments, diagnostic } from '../diagnostics/diagnostic.ts';
import type { ParsedDocument } from '../manifests/document.ts';
import { originOf } from '../manifests/validate.ts';
import type { Advice, Place, Report } from './analyzer.ts';
import { fullName, namespaceOf, objectAnnotations } from './mesh/objects.ts';

const SUPPRESS = 'galley.istio.io/analyze-suppress';
const LEVEL_ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };
const LEVEL_NAMES = { error: 'Error', warning: 'Warning', info: 'Info' } as const;

/** The level's name as `istioctl analyze` prints it. */
export const levelName = (severity: Severity): (typeof LEVEL_NAMES)[Severity] => LEVEL_NAMES[severity];

/** One line as `istioctl analyze` prints it: level, code, object with its place, message. */
export function formatFinding({ code, severity, message, origin, location }: Diagnostic): string {
  const name = origin && (origin.namespace === '' ? origin.name : `${origin.namespace}/${origin.name}`);
  const place = location ? `${location.file}:${location.line}` : '';
  const about = [origin ? `${origin.kind} ${name}` : '', place].filter((part) => part !== '').join(' ');
  return `${levelName(severity)} [${code}] (${about}) ${message}`;
}

/** Whether the object's annotation silences the code. */
function isSuppressed(object: KubeObject, code: string): boolean {
  const codes = (objectAnnotations(object)[SUPPRESS] ?? '').split(',');
  return codes.includes('*') || codes.includes(code);
}

/** The namespace that a finding belongs to: a Namespace belongs to itself, other cluster-wide objects to none. */
const homeOf = (object: KubeObject): string =>
  object.kind === 'Namespace' ? object.metadata.name : namespaceOf(object);

export interface ResultOptions {
  /** The document that an object came from. */
  readonly documentOf: (object: KubeObject) => ParsedDocument | undefined;
  /** Objects that nobody wrote: nothing is said about them. */
  readonly assumed: ReadonlySet<KubeObject>;
  /** Only findings of this namespace and of cluster-wide objects. Absent: all. */
  readonly only?: string | undefined;
}

/** Collects what analyzers report, each thing once. */
export class Results {
  readonly #options: ResultOptions;
  readonly #found = new Map<string, Diagnostic>();

  constructor(options: ResultOptions) {
    this.#options = options;
  }

  readonly report: Report = (code, place, values, advice) => {
    const { object, path, line } = place;
    if (!this.#isWanted(object, code)) return;
    const document = this.#options.documentOf(object);
    const found = toDiagnostic(code, { place: { object, path }, values, advice, document });
    this.#keep(object, found, line === undefined ? undefined : document?.fields().get(line)?.value.line);
  };

  /** Adds what validation found in an object. */
  add(object: KubeObject, diagnostics: readonly Diagnostic[]): void {
    for (const found of diagnostics) if (this.#isWanted(object, found.code)) this.#keep(object, found);
  }

  #keep(object: KubeObject, found: Diagnostic, line?: number): void {
    const key = JSON.stringify([found.code, object.kind, fullName(object), line, found.message]);
    if (!this.#found.has(key)) this.#found.set(key, found);
  }

  #isWanted(object: KubeObject, code: string): boolean {
    const { only, assumed } = this.#options;
    const home = homeOf(object);
    const isElsewhere = only !== undefined && home !== '' && home !== only;
    return !isElsewhere && !assumed.has(object) && !isSuppressed(object, code);
  }

  /** Everything found: worst first, then by code, object and text. */
  sorted(): Diagnostic[] {
    return [...this.#found.values()]
      .map((found) => ({ found, key: sortKey(found) }))
      .sort((a, b) => compare(a.key, b.key))
      .map(({ found }) => found);
  }
}

interface Finding {
  readonly place: Place;
  readonly values: Arguments;
  readonly advice: Advice | undefined;
  readonly document: ParsedDocument | undefined;
}

function toDiagnostic(code: string, { place, values, advice, document }: Finding): Diagnostic {
  const { hint, repair } = advice ?? {};
  // Only a text that is there can be replaced.
  const range = repair && document?.fields().get(repair.path)?.value;
  return diagnostic(code, {
    values,
    origin: originOf(place.object, place.path, ''),
    location: document?.locate(place.path),
    hint,
    fix: range && repair ? { title: repair.title, range, text: repair.text } : undefined,
  });
}

function sortKey(found: Diagnostic): readonly string[] {
  const { kind = '', name = '', namespace = '' } = found.origin ?? {};
  return [String(LEVEL_ORDER[found.severity]), found.code, `${kind}/${name}/${namespace}`, formatFinding(found)];
}

function compare(a: readonly string[], b: readonly string[]): number {
  for (const [index, text] of a.entries()) {
    const other = b[index] ?? '';
    if (text !== other) return text < other ? -1 : 1;
  }
  return 0;
}
