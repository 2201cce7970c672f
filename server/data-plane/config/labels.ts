import type { Fields } from './values.ts';

/**
 * Whether labels hold every wanted value. `listAsAny`: a list of labels stands for each of its values. Source: metadataLabelMatch in Envoy's
 * metadata.cc.
 */
export function matchesLabels(wanted: Fields, labels: Fields | undefined, listAsAny: boolean): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const own = labels?.[key];
    if (own === undefined) return false;
    if (listAsAny && Array.isArray(own)) return own.some((one) => canonicalText(one) === canonicalText(value));
    return canonicalText(own) === canonicalText(value);
  });
}

/** Equal values have equal texts. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${fields.map(([key, each]) => `${JSON.stringify(key)}:${canonicalText(each)}`).join()}}`;
}

/** What balancing goes by: the metadata `envoy.lb` of hosts, and of routes for the hosts that they ask for. */
export const balancingLabels = (
  metadata: { readonly filter_metadata?: Readonly<Record<string, Fields>> } | undefined,
): Fields | undefined => metadata?.filter_metadata?.['envoy.lb'];
