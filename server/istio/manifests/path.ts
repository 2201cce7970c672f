/** A step of a field path: a field's name or a list index. */
export type PathStep = string | number;

const PLAIN = /^[A-Za-z_][\w-]*$/;

/** `spec`, `http`, 0 → `spec.http[0]`. Names with dots or slashes stand in brackets: `metadata.labels[app.kubernetes.io/name]`. */
export function childPath(parent: string, step: PathStep): string {
  if (typeof step === 'number') return `${parent}[${step}]`;
  if (!PLAIN.test(step)) return `${parent}[${step}]`;
  return parent === '' ? step : `${parent}.${step}`;
}

/** The path without its last step; undefined for the empty path. */
export function parentPath(path: string): string | undefined {
  if (path === '') return undefined;
  if (path.endsWith(']')) {
    const open = path.lastIndexOf('[');
    return open < 0 ? '' : path.slice(0, open);
  }
  const dot = path.lastIndexOf('.');
  return dot < 0 ? '' : path.slice(0, dot);
}
