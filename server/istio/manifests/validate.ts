import type { Diagnostic, FieldProblem, KindDefinition, KubeObject, Origin } from '#domain';
import { parseApiVersion } from '#domain';
import { catalogueEntry, diagnostic } from '../diagnostics/diagnostic.ts';
import { didYouMean, meaningOf } from '../diagnostics/suggest.ts';
import { type CheckMessage, patchProblems } from '../rules/patch-values.ts';
import { checkFields } from '../schema/check.ts';
import type { ParsedDocument } from './document.ts';

export function originOf(object: KubeObject, path: string, namespace = 'default'): Origin {
  const { kind, metadata } = object;
  return { kind, namespace: metadata.namespace ?? namespace, name: metadata.name ?? metadata.generateName ?? '', path };
}

/** Problems of fields as diagnostics, each at its place in the document. Unknown fields are shown at their key, others at their value. */
export function toDiagnostics(
  problems: readonly FieldProblem[],
  document: ParsedDocument,
  options: { readonly namespace?: string } = {},
): Diagnostic[] {
  return problems.map((problem): Diagnostic => {
    const code = problem.code ?? (problem.severity === 'error' ? 'IST0106' : 'IST0133');
    const entry = catalogueEntry(code);
    const place = code === 'MW0101' ? document.locateKey(problem.path) : document.locate(problem.path);
    return {
      code,
      severity: entry.severity,
      message: problem.message,
      hint: problem.hint ?? entry.hint,
      origin: originOf(document.object, problem.path, options.namespace),
      location: place,
      ...(entry.lesson ? { lesson: entry.lesson } : {}),
      ...fixOf(problem, document),
    };
  });
}

/** Puts what was meant in the place of a key or a value; not where the object has a field of that name already. */
function fixOf({ code, path, meant }: FieldProblem, document: ParsedDocument): Pick<Diagnostic, 'fix'> {
  const position = document.fields().get(path);
  const range = code === 'MW0101' ? position?.key : position?.value;
  if (meant === undefined || range === undefined) return {};
  const sibling = path.slice(0, path.lastIndexOf('.') + 1) + meant;
  if (code === 'MW0101' && document.fields().has(sibling)) return {};
  return { fix: { title: `Change to ${meant}`, range, text: meant } };
}

function findKind(object: KubeObject, kinds: readonly KindDefinition[]): KindDefinition | undefined {
  const { group, version } = parseApiVersion(object.apiVersion);
  return kinds.find((each) => each.group === group && each.kind === object.kind && each.versions.includes(version));
}

const apiVersionOf = (kind: KindDefinition): string =>
  kind.group === '' ? (kind.versions[0] ?? '') : `${kind.group}/${kind.versions[0]}`;

function unknownKind(document: ParsedDocument, kinds: readonly KindDefinition[]): Diagnostic {
  const { apiVersion, kind } = document.object;
  const sameKind = kinds.filter((each) => each.kind === kind);
  const meantVersion = didYouMean(apiVersion, sameKind.map(apiVersionOf)) ?? sameKind.map(apiVersionOf)[0];
  const meantKind = meaningOf(
    kind,
    kinds.map((each) => each.kind),
  );
  const path = sameKind.length > 0 ? 'apiVersion' : 'kind';
  const word = sameKind.length > 0 ? meantVersion : meantKind?.word;
  const meant = word && `${path}: ${word}`;
  const isCertain = sameKind.length > 0 ? sameKind.length === 1 : meantKind?.isCertain === true;
  const range = document.fields().get(path)?.value;
  return diagnostic('MW0012', {
    values: { kind, apiVersion },
    origin: originOf(document.object, path),
    location: document.locate(path),
    hint: meant ? `Did you mean ${meant}?` : undefined,
    fix: word && isCertain && range ? { title: `Change to ${word}`, range, text: word } : undefined,
  });
}

/** A rule's problem adds nothing where the schema already found one. */
const alreadySaid = (problem: FieldProblem, schemaProblems: readonly FieldProblem[]): boolean =>
  problem.severity === 'error' &&
  schemaProblems.some(
    ({ path }) => problem.path === path || problem.path.startsWith(`${path}.`) || problem.path.startsWith(`${path}[`),
  );

/** The object in the namespace that it will be stored in. */
function placed(object: KubeObject, kind: KindDefinition, namespace: string | undefined): KubeObject {
  if (!kind.namespaced || namespace === undefined || object.metadata.namespace) return object;
  return { ...object, metadata: { ...object.metadata, namespace } };
}

export interface ValidateOptions {
  /** Namespace of documents that name none. Absent: `default`. */
  readonly namespace?: string;
  /** Reads messages of Envoy's API. Absent: the values of an EnvoyFilter's patches are not looked at. */
  readonly checkMessage?: CheckMessage;
}

/**
 * Checks one document as the API server and Istio's webhook do: kind served, fields known and of the right type, then the kind's rules.
 * No diagnostic of severity error: it would be accepted.
 */
export function validateDocument(
  document: ParsedDocument,
  kinds: readonly KindDefinition[],
  options: ValidateOptions = {},
): Diagnostic[] {
  const kind = findKind(document.object, kinds);
  if (!kind) return [unknownKind(document, kinds)];
  const schema = kind.schema?.(parseApiVersion(document.object.apiVersion).version);
  const fieldProblems = schema ? checkFields(document.object, schema) : [];
  const found = [
    ...(kind.validate?.(placed(document.object, kind, options.namespace)) ?? []),
    ...patchProblems(document.object, options.checkMessage),
  ];
  const ruleProblems = found.filter((each) => !alreadySaid(each, fieldProblems));
  return toDiagnostics([...fieldProblems, ...ruleProblems], document, options);
}
