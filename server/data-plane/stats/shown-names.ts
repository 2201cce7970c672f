interface NamedCluster {
  readonly name: string;
  readonly resource: { readonly alt_stat_name?: string };
}

const CLUSTER = 'cluster.';

/**
 * How admin pages name figures: those of a cluster by its `alt_stat_name`, which under Istio ends with `;`. Inside of the proxy they go by
 * the cluster's name.
 */
export function shownNames(clusters: readonly NamedCluster[]): (name: string) => string {
  const shown = new Map(clusters.map(({ name, resource }) => [name, resource.alt_stat_name || name]));
  return (figure) => {
    if (!figure.startsWith(CLUSTER)) return figure;
    for (let dot = figure.indexOf('.', CLUSTER.length); dot >= 0; dot = figure.indexOf('.', dot + 1)) {
      const alternative = shown.get(figure.slice(CLUSTER.length, dot));
      if (alternative !== undefined) return `${CLUSTER}${alternative}${figure.slice(dot)}`;
    }
    return figure;
  };
}
