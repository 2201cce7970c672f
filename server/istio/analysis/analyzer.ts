import type { Diagnostic, KubeObject } from '#domain';
import { type Arguments, diagnostic } from '../diagnostics/diagnostic.ts';
import { originOf } from '../manifests/validate.ts';
import type { MeshView } from './mesh-view.ts';

/** One thing found in an object, at a field. */
export type Report = (
  code: string,
  at: { readonly object: KubeObject; readonly path: string },
  values: Arguments,
  hint?: string,
) => void;

/** Looks at a snapshot of the mesh and reports what is wrong between its objects. */
export interface Analyzer {
  readonly name: string;
  /** Codes that it can report. */
  readonly codes: readonly string[];
  analyze(mesh: MeshView, report: Report): void;
}

/** A report function that collects into this list. */
export function collect(found: Diagnostic[]): Report {
  return (code, { object, path }, values, hint) => {
    found.push(diagnostic(code, { values, origin: originOf(object, path, ''), hint }));
  };
}
