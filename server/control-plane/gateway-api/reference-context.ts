import type { ObjectIndex } from './objects.ts';
import type { Grants } from './references.ts';

/** What references are looked up in. */
export interface ReferenceContext {
  readonly index: ObjectIndex;
  readonly grants: Grants;
}
