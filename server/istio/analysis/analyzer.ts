import type { KubeObject } from '#domain';
import type { Arguments } from '../diagnostics/diagnostic.ts';
import type { MeshView } from './mesh/mesh-view.ts';

/** Where something was found. */
export interface Place {
  readonly object: KubeObject;
  /** The field that is to be changed. */
  readonly path: string;
  /**
   * The field whose line `istioctl analyze` prints; absent where it prints the object's. Findings of one line with one message are one.
   */
  readonly line?: string;
}

/** A certain repair: the value at this path becomes this text. */
export interface Repair {
  readonly title: string;
  readonly path: string;
  readonly text: string;
}

export interface Advice {
  readonly hint?: string | undefined;
  readonly repair?: Repair | undefined;
}

/** One thing found in an object, at a field. */
export type Report = (code: string, place: Place, values: Arguments, advice?: Advice) => void;

/** Looks at a snapshot of the mesh and reports what is wrong between its objects. */
export interface Analyzer {
  /** The name that `istioctl analyze -L` lists, or `meshwork.…` for those that only we have. */
  readonly name: string;
  /** Codes that it can report. */
  readonly codes: readonly string[];
  analyze(mesh: MeshView, report: Report): void;
}
