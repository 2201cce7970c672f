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

const fitsSource = (
  { sourceNamespace, sourceLabels }: StaticMatch,
  { namespace, labels }: StaticContext['scope'],
): boolean => (!sourceNamespace || sourceNamespace === namespace) && labelsMatch(sourceLabels, labels);

/**
 * Whether an HTTP match block applies to this listener of this proxy. A block that lists gateways applies to those alone, and its
 * conditions on the source are then ignored.
 */
export function appliesHere(match: StaticMatch | undefined, { listenPort, gateways, scope }: StaticContext): boolean {
  if (match === undefined) return true;
  if (!fitsPort(match, listenPort)) return false;
  const listed = match.gateways ?? [];
  return listed.length > 0 ? listed.some((name) => gateways.has(name)) : fitsSource(match, scope);
}

/** The same for a TCP or TLS match block, in which all conditions count. */
export function appliesToL4(match: StaticMatch, { listenPort, gateways, scope }: StaticContext): boolean {
  const listed = match.gateways ?? [];
  if (listed.length > 0 && !listed.some((name) => gateways.has(name))) return false;
  return fitsPort(match, listenPort) && fitsSource(match, scope);
}
