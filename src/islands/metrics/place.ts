/** What the metrics view is opened at: `version/600/reviews@v2`, as it stands in the address. */
export interface MetricsPlace {
  by: 'edge' | 'service' | 'version';
  seconds: number;
  /** Key of the series that is looked into; empty: all beside each other. */
  key: string;
}

export const groups = [
  ['edge', 'Edges'],
  ['service', 'Services'],
  ['version', 'Versions'],
] as const;
export const windows = [
  [120, '2 min'],
  [600, '10 min'],
  [1800, '30 min'],
] as const;

export function readPlace(show: string | undefined): MetricsPlace {
  const [by, seconds, ...key] = (show ?? '').split('/');
  return {
    by: groups.find(([group]) => group === by)?.[0] ?? 'edge',
    seconds: windows.find(([window]) => String(window) === seconds)?.[0] ?? 120,
    key: key.join('/'),
  };
}

export const writePlace = ({ by, seconds, key }: MetricsPlace): string => [by, seconds, key].join('/');
