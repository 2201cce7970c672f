import { parseArgs } from 'node:util';
import type { Diagnostic, FieldProblem, KindDefinition } from '#domain';
import { parseApiVersion } from '#domain';
import {
  FILE_LIMITS,
  gatewayKinds,
  istioKinds,
  meshConfigProblems,
  type ParsedDocument,
  parseManifests,
  toDiagnostics,
  type UnreadableDocument,
  validateDocument,
} from '#istio';
import { coreKinds, metadataProblems, nameProblem } from '#kube-api';
import { checkMessage } from '#xds';
import { type CliCommand, type NamedText, readFiles, UsageError } from './command.ts';

/** What is wrong at one field of a document. */
interface Finding {
  readonly code: string;
  /** Field path such as `spec.http[0].route`; empty for the whole document. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly message: string;
  readonly hint: string;
}

/** What the API server and Istio's webhook would say of one object. */
export interface Verdict {
  readonly file: string;
  /** Position of the YAML document in its file, from 0. The items of a List share one. */
  readonly document: number;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly verdict: 'accepted' | 'rejected';
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}

const meshKinds = [...istioKinds, ...gatewayKinds];
const kinds: readonly KindDefinition[] = [...coreKinds, ...meshKinds];
const groups: ReadonlySet<string> = new Set(meshKinds.map(({ group }) => group));

/** A kind of Kubernetes or of another project that is not known here passes, as it passes Istio's webhook. */
function isForeign(apiVersion: string, kind: string): boolean {
  const { group } = parseApiVersion(apiVersion);
  const known = kinds.some((each) => each.group === group && each.kind === kind);
  return !known && !groups.has(group);
}

/** Files beside manifests, such as a chart's values, and foreign objects that need no name. */
function isNoManifest({ fields, diagnostics }: UnreadableDocument): boolean {
  if (Object.keys(fields).length === 0) return false;
  const { apiVersion, kind } = fields;
  const head = diagnostics.every(({ code }) => code === 'MW0009' || code === 'MW0010');
  if (typeof apiVersion === 'string' && typeof kind === 'string') return head && isForeign(apiVersion, kind);
  return head && !['kind', 'metadata', 'spec'].some((field) => field in fields);
}

const finding = ({ code, origin, location, message, hint }: Diagnostic): Finding => ({
  code,
  path: origin?.path ?? '',
  line: location?.line ?? 1,
  message,
  hint: hint ?? '',
});

/** Only what Istio's webhook says counts here; advice of our own belongs to `analyze`. */
const isAdvice = ({ code, severity }: Diagnostic): boolean => severity !== 'error' && code.startsWith('MW');

function verdictOf(
  at: Pick<Verdict, 'file' | 'document' | 'kind' | 'namespace' | 'name'>,
  diagnostics: readonly Diagnostic[],
): Verdict {
  const errors = diagnostics.filter(({ severity }) => severity === 'error').map(finding);
  const warnings = diagnostics.filter((each) => each.severity !== 'error' && !isAdvice(each)).map(finding);
  return { ...at, verdict: errors.length > 0 ? 'rejected' : 'accepted', errors, warnings };
}

/** What the API server says of name, labels and annotations, and istiod of the mesh's configuration. */
function furtherProblems({ object }: ParsedDocument): FieldProblem[] {
  const { group } = parseApiVersion(object.apiVersion);
  const kind = kinds.find((each) => each.group === group && each.kind === object.kind);
  if (!kind) return [];
  const name = object.metadata.name ?? `${object.metadata.generateName}x`;
  const metadata = metadataProblems({ ...object, metadata: { ...object.metadata, name } }, kind);
  const { namespace } = object.metadata;
  const wrong = kind.namespaced && namespace ? nameProblem(namespace, 'label') : undefined;
  if (wrong) metadata.push({ severity: 'error', path: 'metadata.namespace', message: wrong });
  return [...metadata.map((each) => ({ ...each, code: 'MW0013' })), ...meshConfigProblems(object)];
}

function ofDocument(document: ParsedDocument, namespace: string): Verdict {
  const { object, file, index } = document;
  const { apiVersion, kind, metadata } = object;
  const name = metadata.name ?? metadata.generateName ?? '';
  const at = { file, document: index, kind, namespace: metadata.namespace ?? '', name };
  if (isForeign(apiVersion, kind)) return verdictOf(at, []);
  const found = validateDocument(document, kinds, { namespace, checkMessage });
  return verdictOf(at, [...found, ...toDiagnostics(furtherProblems(document), document, { namespace })]);
}

function ofUnreadable(document: UnreadableDocument): Verdict {
  const { file, index, kind, namespace, name, diagnostics } = document;
  return verdictOf({ file, document: index, kind, namespace, name }, isNoManifest(document) ? [] : diagnostics);
}

/** The verdict on each object of these files, in their order. `namespace`: of objects that name none. */
export function validateTexts(texts: readonly NamedText[], namespace = 'default'): Verdict[] {
  const { documents, unreadable } = parseManifests(texts, FILE_LIMITS);
  const order = new Map(texts.map(({ file }, index) => [file, index]));
  const verdicts = [...documents.map((each) => ofDocument(each, namespace)), ...unreadable.map(ofUnreadable)];
  return verdicts.sort((a, b) => (order.get(a.file) ?? 0) - (order.get(b.file) ?? 0) || a.document - b.document);
}

/** `file:line: rejected VirtualService default/reviews`, with its findings below. */
function asText({ file, kind, namespace, name, verdict, errors, warnings }: Verdict): string[] {
  const subject = [kind || 'document', [namespace, name].filter((part) => part !== '').join('/')].join(' ').trimEnd();
  const line = (word: string, each: Finding): string[] => [
    `  ${word} ${each.code} line ${each.line}${each.path === '' ? '' : ` ${each.path}`}: ${each.message}`,
    ...(each.hint === '' ? [] : [`    ${each.hint}`]),
  ];
  const word = verdict === 'accepted' && warnings.length > 0 ? 'accepted with warnings' : verdict;
  return [
    `${file}: ${subject} ${word}`,
    ...errors.flatMap((each) => line('error', each)),
    ...warnings.flatMap((each) => line('warning', each)),
  ];
}

/** `meshwork validate`: accepted or rejected, as the API server and Istio's webhook would. */
export const validateCommand: CliCommand = {
  name: 'validate',
  summary: 'Tells which objects of these files a cluster with Istio would accept, reject or warn of. Exit 1: rejected.',
  usage: 'meshwork validate -f FILE… [--namespace NS] [--output text|json]',
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        file: { type: 'string', short: 'f', multiple: true },
        namespace: { type: 'string', short: 'n', default: 'default' },
        output: { type: 'string', short: 'o', default: 'text' },
      },
    });
    if (!values.file?.length) throw new UsageError('name at least one file with -f');
    if (values.output !== 'text' && values.output !== 'json') throw new UsageError('--output is text or json');
    const verdicts = validateTexts(await readFiles(values.file, io), values.namespace);
    if (values.output === 'json') io.out(JSON.stringify(verdicts, undefined, 2));
    else for (const line of verdicts.flatMap(asText)) io.out(line);
    return verdicts.some(({ verdict }) => verdict === 'rejected') ? 1 : 0;
  },
};
