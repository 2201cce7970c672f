import { isDeepStrictEqual } from 'node:util';
import type { Diagnostic, KindDefinition, KubeObject, SourceLocation } from '#domain';
import { analyze, type ParsedDocument, parseManifests, validateDocument } from '#istio';
import type { KubeStore } from '#kube-api';
import { checkMessage } from '#xds';
import type { AppliedObject, ApplyOutcome, ManifestFile } from '../doors.ts';
import { assumedInjector } from '../mesh/webhooks.ts';
import { inspect } from './inspect.ts';

/** A place that an object's field may have come from. */
export interface FieldOrigin {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly path: string;
}

/** From the learner's text to stored objects and back to the line. */
export interface Manifests {
  /** Stores all documents, or none when one of them is refused. Unless `advised` is false, tells what analysis says about them too. */
  apply(
    files: readonly ManifestFile[],
    options: { readonly namespace: string; readonly changeId: string; readonly advised?: boolean },
  ): ApplyOutcome;
  /** What an apply would refuse, and what analysis says about the mesh as it would be then. */
  validate(files: readonly ManifestFile[], options: { readonly namespace: string }): readonly Diagnostic[];
  locate(origin: FieldOrigin): SourceLocation | undefined;
  /** From now on the stored objects stand in these files, and those that no file names stand nowhere. Nothing is stored. */
  placeIn(files: readonly ManifestFile[], options: { readonly namespace: string }): void;
}

/** A document with its kind known and its namespace settled. */
export interface Candidate {
  readonly document: ParsedDocument;
  readonly kind: KindDefinition;
  readonly object: KubeObject;
}

export function createManifests(store: KubeStore, isServiceIp: (ip: string) => boolean): Manifests {
  const sources = new Map<string, ParsedDocument>();
  store.watch('*', ({ type, object }) => {
    if (type === 'DELETED')
      sources.delete(sourceKey(object.kind, object.metadata.namespace ?? '', object.metadata.name));
  });

  const read = (files: readonly ManifestFile[], namespace: string) => {
    const { documents, diagnostics } = parseManifests(files);
    const problems = [...diagnostics];
    const candidates: Candidate[] = [];
    for (const document of documents) {
      const found = validateDocument(document, store.kinds.all, { namespace, checkMessage });
      problems.push(...found);
      const candidate = toCandidate(store, document, namespace);
      if (candidate !== undefined && !found.some(isError)) candidates.push(candidate);
    }
    problems.push(...inspect(store, candidates, isServiceIp));
    return { candidates: namespacesFirst(candidates), problems };
  };

  /** What `istioctl analyze` finds in the present mesh with these documents in it: advice, never a refusal. */
  const advice = (candidates: readonly Candidate[], namespace: string): Diagnostic[] => {
    const documents = candidates.map(({ document }) => document);
    const present = store.kinds.all
      .filter(({ kind }) => kind !== 'Event')
      .flatMap(({ kind, group }) => store.list(group === '' ? kind : `${kind}.${group}`));
    return analyze([...present, ...assumedInjector(store)], documents, { namespace });
  };

  /** The mesh as it is may have rules that were stored with a warning: whoever changed them last, what is stored is judged. */
  const storedProblems = (namespace: string): Diagnostic[] =>
    store.kinds.all
      .filter(({ group }) => group.endsWith('.istio.io'))
      .flatMap(({ kind, group }) => store.list(`${kind}.${group}`))
      .flatMap((object) => {
        const text = sources.get(sourceKey(object.kind, object.metadata.namespace ?? '', object.metadata.name));
        const isText = text !== undefined && isDeepStrictEqual(text.object.spec, object.spec);
        const document = isText ? text : { ...NOWHERE, object };
        const found = validateDocument(document, store.kinds.all, { namespace, checkMessage });
        return isText ? found : found.map(({ location: _, fix: __, ...rest }) => rest);
      });

  return {
    validate: (files, { namespace }) => {
      const { candidates, problems } = read(files, namespace);
      const warned = files.length === 0 ? storedProblems(namespace) : [];
      return [...problems, ...warned, ...advice(candidates, namespace)];
    },
    locate: ({ kind, namespace, name, path }) => sources.get(sourceKey(kind, namespace, name))?.locateKey(path),
    placeIn: (files, { namespace }) => {
      sources.clear();
      for (const document of parseManifests(files).documents) {
        const object = toCandidate(store, document, namespace)?.object;
        if (object)
          sources.set(sourceKey(object.kind, object.metadata.namespace ?? '', object.metadata.name), document);
      }
    },
    apply: (files, { namespace, changeId, advised = true }) => {
      const { candidates, problems } = read(files, namespace);
      if (problems.some(isError)) {
        return { changeId, accepted: false, objects: [], diagnostics: problems };
      }
      const objects = candidates.map(({ document, object }) => {
        const applied = store.apply(object, { changeId });
        const { name, namespace: ns = '' } = applied.object.metadata;
        sources.set(sourceKey(object.kind, ns, name), document);
        return {
          kind: object.kind,
          apiVersion: object.apiVersion,
          namespace: ns,
          name,
          outcome: applied.outcome,
        } satisfies AppliedObject;
      });
      const aboutThese = (): readonly Diagnostic[] =>
        advised ? advice(candidates, namespace).filter(({ location }) => location !== undefined) : [];
      let diagnostics: readonly Diagnostic[] | undefined;
      return {
        changeId,
        accepted: true,
        objects,
        // Analysis takes longer than the push of the change: who waits for the push first has both sooner.
        get diagnostics() {
          diagnostics ??= [...problems, ...aboutThese()];
          return diagnostics;
        },
      };
    },
  };
}

const sourceKey = (kind: string, namespace: string, name: string): string => `${kind}/${namespace}/${name}`;

const isError = ({ severity }: Diagnostic): boolean => severity === 'error';

function toCandidate(store: KubeStore, document: ParsedDocument, namespace: string): Candidate | undefined {
  const { apiVersion, kind: kindName, metadata } = document.object;
  const kind = store.kinds.forObject(apiVersion, kindName);
  if (kind === undefined) return undefined;
  const { namespace: own, ...rest } = metadata;
  const placed = kind.namespaced ? { ...rest, namespace: own ?? namespace } : rest;
  return { document, kind, object: { ...document.object, metadata: placed } };
}

/** A namespace must be there before what it holds. */
const namespacesFirst = (candidates: readonly Candidate[]): Candidate[] => [
  ...candidates.filter(({ kind }) => kind.kind === 'Namespace'),
  ...candidates.filter(({ kind }) => kind.kind !== 'Namespace'),
];

const START: SourceLocation = { file: '', line: 1, column: 1, endLine: 1, endColumn: 1 };

/** The text of an object that none of the learner's files says. */
const NOWHERE: Omit<ParsedDocument, 'object'> = {
  file: '',
  index: 0,
  range: START,
  fields: () => new Map(),
  locate: () => START,
  locateKey: () => START,
  fieldAt: () => undefined,
};
