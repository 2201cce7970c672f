import { type KubeObject, type LabelSelector, selects } from '#domain';
import { contentOf, memoLatest, memoStable } from './memo.ts';
import { type ObjectTables, TRACKED_KINDS, type TrackedKind } from './object-tables.ts';

type List = readonly KubeObject[];

/** Undefined: all. */
type Chosen = ReadonlySet<string> | undefined;

export type Discovery = (
  tables: ObjectTables,
  selectors: readonly LabelSelector[] | undefined,
) => {
  readonly tables: Pick<ObjectTables, 'list'>;
  /** The namespaces; undefined: all. */
  readonly chosen: Chosen;
};

/**
 * The objects that istiod discovers: those without a namespace, and those of the namespaces whose labels one of the mesh's
 * `discoverySelectors` picks; without selectors all. A list keeps its identity until one of its objects, or the choice, changes.
 * Source: pkg/kube/namespace/filter.go in istio.
 */
export function createDiscovery(): Discovery {
  const choose = memoStable(discoveredNamespaces, (chosen) => contentOf(chosen && [...chosen]));
  const filters = new Map(TRACKED_KINDS.map((kind) => [kind, memoLatest(discovered)]));
  return (tables, selectors) => {
    const chosen = choose(tables.list('Namespace'), selectors);
    if (chosen === undefined) return { tables, chosen };
    const list = (kind: TrackedKind): List => filters.get(kind)?.(tables.list(kind), chosen) ?? [];
    return { tables: { list }, chosen };
  };
}

/** The names of the namespaces that istiod looks at by these selectors; undefined: all. */
export function discoveredNamespaces(namespaces: List, selectors: readonly LabelSelector[] | undefined): Chosen {
  if (selectors === undefined || selectors.length === 0) return undefined;
  const isChosen = ({ metadata: { name, labels = {} } }: KubeObject): boolean =>
    selectors.some((selector) => selects(selector, { 'kubernetes.io/metadata.name': name, ...labels }));
  return new Set(namespaces.filter(isChosen).map(({ metadata }) => metadata.name));
}

function discovered(list: List, chosen: Chosen): List {
  return list.filter(({ metadata: { namespace = '' } }) => namespace === '' || chosen?.has(namespace) !== false);
}
