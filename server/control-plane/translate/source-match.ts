import { labelsMatch } from '../snapshot/hosts.ts';

/** The conditions of a match block that are settled when configuration is built, not when a request comes. */
export interface StaticMatch {
  readonly port?: number;
  readonly gateways?: readonly string[];
  readonly sourceLabels?: Readonly<Record<string, string>>;
  readonly sourceNamespace?: string;
}

export interface StaticContext {
  readonly listenPort: number;
  /** `mesh`, or the names of the gateways the listener stands for. */
  readonly gateways: ReadonlySet<string>;
  readonly scope: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };
}

/**
 * Whether a match block applies to this listener of this proxy. A block that lists gateways applies to those alone, and its conditions
 * on the source are then ignored.
 */
export function appliesHere(match: StaticMatch | undefined, { listenPort, gateways, scope }: StaticContext): boolean {
  if (match === undefined) return true;
  if (match.port !== undefined && match.port !== 0 && match.port !== listenPort) return false;
  if ((match.gateways ?? []).length > 0) return (match.gateways ?? []).some((name) => gateways.has(name));
  if (match.sourceNamespace && match.sourceNamespace !== scope.namespace) return false;
  return labelsMatch(match.sourceLabels, scope.labels);
}
