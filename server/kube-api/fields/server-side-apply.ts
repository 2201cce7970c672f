import type { KubeObject } from '#domain';
import { readLastApplied } from '../apply.ts';
import type { KubeStatusCause } from '../doors.ts';
import { isRecord } from '../json.ts';
import { KubeStatusError } from '../status-error.ts';
import type { Shape } from '../types/shape.ts';
import { appliedSet, compare } from './compare.ts';
import { difference, EMPTY, type FieldSet, pathsOf, sameSet, union } from './field-set.ts';
import {
  compareHeld,
  contested,
  decodeManagers,
  type FieldManager,
  type ManagerName,
  ownable,
  sameManager,
  withManagers,
} from './managed-fields.ts';
import { mergeFields, pruneFields } from './merge-fields.ts';

export interface ApplyRequest {
  /** Absent: the object is created. */
  readonly live: KubeObject | undefined;
  readonly applied: KubeObject;
  readonly writer: ManagerName;
  /** Takes fields from other managers instead of refusing. */
  readonly force: boolean;
  readonly time: string;
  readonly shape: Shape;
}

/**
 * Server-side apply: the live object with what is applied over it, without what this manager applied before and leaves out now, and with
 * the owners of its fields. Throws Conflict with a cause for each field that another manager owns and this apply would change.
 */
export function serverSideApply(request: ApplyRequest): KubeObject {
  const { live, applied, writer, shape, time } = request;
  const before = ownable(live, writer.subresource);
  const config = ownable(applied, writer.subresource);
  const managers = live ? decodeManagers(live) : [];
  const own = managers.find((each) => sameManager(each, writer));
  const fields = appliedSet(config, shape);
  const others = managers.filter((each) => each !== own);
  const merged = mergeFields(live ? before : {}, config, shape);
  const owned = others.reduce((all, each) => union(all, each.fields), fields);
  const after = own ? pruneFields(merged, own.fields, owned, shape) : merged;
  const { added, modified, removed } = compareHeld(before, after as Record<string, unknown>, shape);
  const changed = union(added, modified);
  const conflicts = contested(managers, writer, difference(changed, inherited(request)));
  if (conflicts.length > 0 && !request.force) throw applyConflict(conflicts);
  const lost = union(changed, removed);
  const unchanged = own !== undefined && sameSet(own.fields, fields);
  const next: FieldManager[] = [
    ...others.map((each) => ({ ...each, fields: difference(each.fields, lost) })),
    { ...writer, time: unchanged ? own.time : time, fields: fields },
  ];
  return withManagers(assemble(request, after as Record<string, unknown>), next);
}

/**
 * What `kubectl apply --server-side` takes over from `kubectl apply` without a conflict: the fields of the last applied text that still
 * have its values. Only the manager `kubectl` does.
 */
function inherited({ live, shape, writer }: ApplyRequest): FieldSet {
  const lastApplied = live && writer.manager === 'kubectl' ? readLastApplied(live) : undefined;
  if (!live || !isRecord(lastApplied)) return EMPTY;
  const before = ownable(lastApplied as unknown as KubeObject, '');
  const { added, modified, removed } = compare(before, ownable(live, ''), shape);
  return difference(appliedSet(before, shape), union(added, union(modified, removed)));
}

/** The whole object again: what no apply may change comes from the live one. */
function assemble(request: ApplyRequest, after: Record<string, unknown>): KubeObject {
  const { live, applied, writer } = request;
  if (writer.subresource === 'status' && live) return { ...live, status: after['status'] };
  const base = live ?? applied;
  const metadata = { ...(after['metadata'] ?? {}), ...serverMetadata(base) };
  const status = live?.status === undefined ? {} : { status: live.status };
  return { apiVersion: applied.apiVersion, kind: applied.kind, ...after, metadata, ...status };
}

function serverMetadata({ metadata }: KubeObject): KubeObject['metadata'] {
  const { labels: _l, annotations: _a, finalizers: _f, ownerReferences: _o, managedFields: _m, ...rest } = metadata;
  return rest;
}

function managerText(manager: FieldManager): string {
  const subresource = manager.subresource === '' ? '' : ` with subresource ${JSON.stringify(manager.subresource)}`;
  const name = JSON.stringify(manager.manager) + subresource;
  if (manager.operation === 'Apply') return name;
  return `${name} using ${manager.apiVersion}${manager.time === '' ? '' : ` at ${manager.time}`}`;
}

function applyConflict(conflicts: readonly FieldManager[]): KubeStatusError {
  const causes: KubeStatusCause[] = conflicts.flatMap((each) =>
    pathsOf(each.fields).map((field) => ({
      reason: 'FieldManagerConflict',
      message: `conflict with ${managerText(each)}`,
      field,
    })),
  );
  const [only] = causes;
  if (causes.length === 1 && only) {
    return new KubeStatusError('Conflict', `Apply failed with 1 conflict: ${only.message}: ${only.field}`, { causes });
  }
  const parts = [...conflicts]
    .sort((a, b) => (a.manager < b.manager ? -1 : 1))
    .map((each) =>
      [`conflicts with ${managerText(each)}:`, ...pathsOf(each.fields).map((path) => `- ${path}`)].join('\n'),
    );
  return new KubeStatusError('Conflict', `Apply failed with ${causes.length} conflicts: ${parts.join('\n')}`, {
    causes,
  });
}
