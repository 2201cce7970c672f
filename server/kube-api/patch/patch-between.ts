import { isRecord, type JsonRecord, sameJson } from '../json.ts';

/** One step of a JSON patch (RFC 6902) that `jsonPatchBetween` makes. */
export type PatchStep =
  | { readonly op: 'add' | 'replace'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

/** The JSON patch that makes `after` of `before`. Lists that differ are replaced as a whole. */
export function jsonPatchBetween(before: unknown, after: unknown, path = ''): PatchStep[] {
  if (sameJson(before, after)) return [];
  if (!isRecord(before) || !isRecord(after)) return [{ op: 'replace', path, value: after }];
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((key) =>
    stepsOf(key, before, after, path),
  );
}

function stepsOf(key: string, before: JsonRecord, after: JsonRecord, parent: string): PatchStep[] {
  const path = `${parent}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const [old, next] = [before[key], after[key]];
  if (next === undefined) return old === undefined ? [] : [{ op: 'remove', path }];
  return old === undefined ? [{ op: 'add', path, value: next }] : jsonPatchBetween(old, next, path);
}
