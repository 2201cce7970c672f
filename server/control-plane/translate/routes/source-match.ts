import { labelsMatch } from '../../snapshot/hosts.ts';

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

const fitsPort = ({ port }: StaticMatch, listenPort: number): boolean =>
  port === undefined || port === 0 || port === listenPort;

const fitsNamespace = ({ sourceNamespace }: StaticMatch, { namespace }: StaticContext['scope']): boolean =>
  !sourceNamespace || sourceNamespace === namespace;

/** The field of a match block that keeps it from a listener. */
export type Misfit = 'port' | 'gateways' | 'sourceNamespace' | 'sourceLabels';

/**
 * The first field for which an HTTP match block does not apply to this listener of this proxy; undefined where it applies. A block that
 * lists gateways applies to those alone, and its conditions on the source are then ignored.
 */
export function misfitOf(
  match: StaticMatch | undefined,
  { listenPort, gateways, scope }: StaticContext,
): Misfit | undefined {
  if (match === undefined) return undefined;
  if (!fitsPort(match, listenPort)) return 'port';
  const listed = match.gateways ?? [];
  if (listed.length > 0) return listed.some((name) => gateways.has(name)) ? undefined : 'gateways';
  if (!fitsNamespace(match, scope)) return 'sourceNamespace';
  return labelsMatch(match.sourceLabels, scope.labels) ? undefined : 'sourceLabels';
}

/** The same for a TCP or TLS match block, in which all conditions count. */
export function l4MisfitOf(match: StaticMatch, { listenPort, gateways, scope }: StaticContext): Misfit | undefined {
  const listed = match.gateways ?? [];
  if (listed.length > 0 && !listed.some((name) => gateways.has(name))) return 'gateways';
  if (!fitsPort(match, listenPort)) return 'port';
  if (!fitsNamespace(match, scope)) return 'sourceNamespace';
  return labelsMatch(match.sourceLabels, scope.labels) ? undefined : 'sourceLabels';
}

export const appliesToL4 = (match: StaticMatch, context: StaticContext): boolean =>
  l4MisfitOf(match, context) === undefined;
