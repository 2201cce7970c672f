import type { HttpRule } from './http-rule.ts';
import type { HttpMatch, HttpRoute, StringMatch } from './istio-types.ts';

/** Fields that a delegate takes from its root where it does not set them itself. */
const LENT = [
  'rewrite',
  'directResponse',
  'timeout',
  'retries',
  'fault',
  'mirror',
  'mirrorPercent',
  'mirror_percent',
  'mirrorPercentage',
  'corsPolicy',
  'mirrors',
  'headers',
] as const satisfies readonly (keyof HttpRoute)[];

/**
 * The delegate's rules as they act under `root`. A delegate rule whose matches do not fit inside the root's is left out, as Istio
 * leaves it out. Source: MergeHTTPRoutes in istio pilot/pkg/model/virtualservice.go.
 */
export function mergeDelegate(root: HttpRule, delegates: readonly HttpRule[]): readonly HttpRule[] {
  return delegates.flatMap((delegate) => {
    const matches = mergeMatches(root.spec.match ?? [], delegate);
    if (matches === undefined) return [];
    const lent = LENT.filter((field) => delegate.spec[field] === undefined && root.spec[field] !== undefined);
    const name = joinNames(root.spec.name, delegate.spec.name);
    const spec: HttpRoute = {
      ...delegate.spec,
      ...Object.fromEntries(lent.map((field) => [field, root.spec[field]])),
      ...(name !== undefined && { name }),
      ...(matches.match.length > 0 && { match: matches.match }),
    };
    return [{ ...delegate, spec, matchPaths: matches.paths, inherited: new Set<string>(lent) }];
  });
}

const joinNames = (root: string | undefined, leaf: string | undefined): string | undefined =>
  root && leaf ? `${root}-${leaf}` : leaf || root;

function mergeMatches(
  roots: readonly HttpMatch[],
  delegate: HttpRule,
): { readonly match: readonly HttpMatch[]; readonly paths: readonly string[] } | undefined {
  const leaves = delegate.spec.match ?? [];
  if (roots.length === 0) return { match: leaves, paths: delegate.matchPaths };
  if (leaves.length === 0) return { match: roots, paths: [] };
  const match: HttpMatch[] = [];
  const paths: string[] = [];
  for (const [i, leaf] of leaves.entries()) {
    const fitting = roots.filter((root) => !conflicts(root, leaf));
    if (fitting.length === 0) return undefined;
    for (const root of fitting) {
      match.push(mergeMatch(root, leaf));
      paths.push(delegate.matchPaths[i] ?? delegate.path);
    }
  }
  return { match, paths };
}

function mergeMatch(root: HttpMatch, leaf: HttpMatch): HttpMatch {
  const name = joinNames(root.name, leaf.name);
  return {
    ...root,
    ...leaf,
    ...(name !== undefined && { name }),
    ...((root.headers || leaf.headers) && { headers: { ...root.headers, ...leaf.headers } }),
    ...((root.withoutHeaders || leaf.withoutHeaders) && {
      withoutHeaders: { ...root.withoutHeaders, ...leaf.withoutHeaders },
    }),
    ...((root.queryParams || leaf.queryParams) && { queryParams: { ...root.queryParams, ...leaf.queryParams } }),
    ...((root.sourceLabels || leaf.sourceLabels) && { sourceLabels: { ...root.sourceLabels, ...leaf.sourceLabels } }),
  };
}

function conflicts(root: HttpMatch, leaf: HttpMatch): boolean {
  const single = ['uri', 'scheme', 'method', 'authority'] as const;
  const maps = ['headers', 'withoutHeaders', 'queryParams'] as const;
  return (
    single.some((field) => textConflicts(root[field], leaf[field])) ||
    maps.some((field) =>
      Object.entries(leaf[field] ?? {}).some(([key, value]) => textConflicts(root[field]?.[key], value)),
    ) ||
    (root.ignoreUriCase ?? false) !== (leaf.ignoreUriCase ?? false) ||
    (root.port !== undefined && leaf.port !== undefined && root.port !== leaf.port) ||
    (root.sourceNamespace !== undefined && leaf.sourceNamespace !== root.sourceNamespace) ||
    Object.entries(leaf.sourceLabels ?? {}).some(([key, value]) => (root.sourceLabels?.[key] ?? value) !== value) ||
    gatewaysConflict(root.gateways ?? [], leaf.gateways ?? [])
  );
}

const gatewaysConflict = (root: readonly string[], leaf: readonly string[]): boolean =>
  root.length > 0 && (leaf.length > root.length || leaf.some((gateway) => !root.includes(gateway)));

/** Whether a leaf's text match may accept what the root's refuses. A root that is there but says nothing fits no leaf. */
function textConflicts(root: StringMatch | undefined, leaf: StringMatch | undefined): boolean {
  if (root === undefined || leaf === undefined) return false;
  if (root.regex || leaf.regex) return true;
  if (root.exact) return leaf.prefix ? true : leaf.exact !== root.exact;
  const inner = leaf.prefix || leaf.exact;
  return !root.prefix || !inner?.startsWith(root.prefix);
}
