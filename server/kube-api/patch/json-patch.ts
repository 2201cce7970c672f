import { copyJson, isRecord, type JsonRecord, sameJson } from '../json.ts';
import { badRequest, KubeStatusError, tooLarge } from '../status-error.ts';

const MAX_OPERATIONS = 10_000;

/** A patch that is well formed and cannot be applied to this object: 422, in the API server's words. */
function rejected(): KubeStatusError {
  return new KubeStatusError('Invalid', 'the server rejected our request due to an error in our request', {});
}

/**
 * Applies a JSON patch (RFC 6902) to a copy. Throws BadRequest for what is no patch, Invalid when a path does not exist or a test fails.
 */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw badRequest('json: cannot unmarshal object into Go value of type jsonpatch.Patch');
  if (patch.length > MAX_OPERATIONS) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`);
  }
  let document = copyJson(target);
  for (const operation of patch) document = applyOperation(document, operation);
  return document;
}

function applyOperation(document: unknown, operation: unknown): unknown {
  if (!isRecord(operation)) throw badRequest('a JSON patch operation must be an object');
  const path = pointer(operation['path']);
  switch (operation['op']) {
    case 'add':
      return add(document, path, value(operation));
    case 'remove':
      return remove(document, path).document;
    case 'replace': {
      lookUp(document, path);
      return path.length === 0 ? value(operation) : add(remove(document, path).document, path, value(operation));
    }
    case 'test': {
      const found = path.length === 0 ? document : lookUp(document, path, true);
      if (!sameJson(found ?? null, value(operation) ?? null)) throw rejected();
      return document;
    }
    case 'copy':
      return add(document, path, copyJson(lookUp(document, pointer(operation['from']))));
    case 'move': {
      const from = pointer(operation['from']);
      if (from.length < path.length && from.every((step, index) => step === path[index])) throw rejected();
      const taken = remove(document, from);
      return add(taken.document, path, taken.value);
    }
    default:
      throw rejected();
  }
}

function value(operation: JsonRecord): unknown {
  if (!Object.hasOwn(operation, 'value')) throw rejected();
  return copyJson(operation['value']);
}

function pointer(text: unknown): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw rejected();
  return text
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function listIndex(list: readonly unknown[], step: string, most: number): number {
  // Negative indexes count from the end, as in the library that API servers use.
  if (!/^(0|-?[1-9]\d*)$/.test(step)) throw rejected();
  const index = Number(step) < 0 ? Number(step) + list.length : Number(step);
  if (index < 0 || index > most) throw rejected();
  return index;
}

function lookUp(document: unknown, path: readonly string[], lenient = false): unknown {
  let place = document;
  for (const [depth, step] of path.entries()) {
    if (Array.isArray(place)) place = place[listIndex(place, step, place.length - 1)];
    else if (isRecord(place) && Object.hasOwn(place, step)) place = place[step];
    else if (lenient && isRecord(place) && depth === path.length - 1) return undefined;
    else throw rejected();
  }
  return place;
}

function add(document: unknown, path: readonly string[], added: unknown): unknown {
  const last = path.at(-1);
  if (last === undefined) return added;
  const parent = lookUp(document, path.slice(0, -1));
  if (Array.isArray(parent)) {
    const index = last === '-' ? parent.length : listIndex(parent, last, parent.length);
    parent.splice(index, 0, added);
  } else if (isRecord(parent)) define(parent, last, added);
  else throw rejected();
  return document;
}

/** Defines a key, `__proto__` like any other. */
function define(record: JsonRecord, key: string, defined: unknown): void {
  Object.defineProperty(record, key, { value: defined, enumerable: true, configurable: true, writable: true });
}

function remove(document: unknown, path: readonly string[]): { document: unknown; value: unknown } {
  const last = path.at(-1);
  const removed = lookUp(document, path);
  if (last === undefined) return { document: null, value: removed };
  const parent = lookUp(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(listIndex(parent, last, parent.length - 1), 1);
  else if (isRecord(parent)) delete parent[last];
  return { document, value: removed };
}
