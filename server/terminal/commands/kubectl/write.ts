import type { KindDefinition, KubeObject } from '#domain';
import type { WriteOptions } from '#kube-api';
import { type Flags, onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf } from '../verb.ts';
import { getObject, listObjects, readTargets, storeKind } from './targets.ts';

/** An object that a verb changes. */
export interface Named {
  readonly kind: KindDefinition;
  readonly name: string;
  readonly namespace: string;
}

/** Flags by which a verb that changes objects chooses them. */
export const choiceFlags = { selector: value('l'), all: onOff() } as const;

/** The objects that the words name, or that `--all` or `-l` choose. */
export function chosen(context: ShellContext, words: readonly string[], flags: Flags, verb: string): Named[] {
  const namespace = namespaceOf(flags, context);
  const labelSelector = flags.text('selector');
  return readTargets(context, words, verb).flatMap(({ kind, name }) => {
    if (name !== undefined) return [{ kind, name, namespace }];
    if (!flags.on('all') && labelSelector === undefined)
      throw new UsageError('error: resource(s) were provided, but no name was specified');
    return listObjects(context, kind, { namespace, labelSelector }).map(({ metadata }) => ({
      kind,
      name: metadata.name,
      namespace,
    }));
  });
}

/** Writes an object under a change id of its own; tells whether that changed anything. */
export function writeChange(
  context: ShellContext,
  { kind, name, namespace }: Named,
  title: string,
  write: (current: KubeObject, options: WriteOptions) => KubeObject,
): boolean {
  const current = getObject(context, kind, namespace, name);
  const changeId = context.mintChangeId();
  const after = write(current, { changeId, fieldManager: 'kubectl' });
  const changed = after.metadata.resourceVersion !== current.metadata.resourceVersion;
  if (changed) context.changed(changeId, title);
  return changed;
}

/** A JSON merge patch, as `writeChange`. */
export function mergeInto(context: ShellContext, target: Named, patch: object, title: string): boolean {
  const { kind, name, namespace } = target;
  const address = { namespace: kind.namespaced ? namespace : '', name };
  return writeChange(context, target, title, (_current, options) =>
    context.sandbox.store.patch(storeKind(context, kind), address, patch, options),
  );
}
