import { ConfigProblem } from './problem.ts';
import { type Fields, record } from './values.ts';

export type SubsetFallback = 'NO_FALLBACK' | 'ANY_ENDPOINT' | 'DEFAULT_SUBSET';

/** Hosts that have all of these keys form subsets, one for each combination of their values. */
export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  readonly fallback: 'NOT_DEFINED' | SubsetFallback | 'KEYS_SUBSET';
  /** With KEYS_SUBSET: what of a request's criteria still counts. */
  readonly fallbackKeys: ReadonlySet<string>;
  readonly singleHost: boolean;
}

/** envoy.config.cluster.v3.Cluster.LbSubsetConfig, or the extension of the same fields. */
export interface SubsetConfig {
  readonly fallback: SubsetFallback;
  readonly defaultSubset: Fields;
  readonly selectors: readonly SubsetSelector[];
  /** Localities of a subset are weighted, too. */
  readonly weighsLocalities: boolean;
  /** In proportion to how many of the locality's hosts are in the subset. */
  readonly scalesWeights: boolean;
  /** Where the fallback finds none, any host does. */
  readonly panicModeAny: boolean;
  /** A list in a host's metadata stands for each of its values. */
  readonly listAsAny: boolean;
  /** Criteria may have a list of others that are tried one after the other. */
  readonly metadataFallbacks: boolean;
  /** Criteria may have keys that no selector has. */
  readonly allowsRedundantKeys: boolean;
}

/** Reads the configuration of subsets; undefined where it forms none. Throws ConfigProblem. */
export function compileSubsets(given: Fields): SubsetConfig | undefined {
  const selectors = ((given['subset_selectors'] ?? []) as readonly Fields[]).map((selector, i) =>
    compileSelector(selector, `subset_selectors[${i}]`),
  );
  if (selectors.length === 0 && given['subset_lb_policy'] === undefined) return undefined;
  const allowsRedundantKeys = given['allow_redundant_keys'] === true;
  // Then the selector that a request's criteria satisfy with the most keys counts.
  if (allowsRedundantKeys) selectors.sort((a, b) => b.keys.length - a.keys.length);
  return {
    fallback: (given['fallback_policy'] ?? 'NO_FALLBACK') as SubsetFallback,
    defaultSubset: record(given['default_subset']) ?? {},
    selectors,
    weighsLocalities: given['locality_weight_aware'] === true,
    scalesWeights: given['scale_locality_weight'] === true,
    panicModeAny: given['panic_mode_any'] === true,
    listAsAny: given['list_as_any'] === true,
    metadataFallbacks: given['metadata_fallback_policy'] === 'FALLBACK_LIST',
    allowsRedundantKeys,
  };
}

function compileSelector(given: Fields, field: string): SubsetSelector {
  const keys = sorted(given['keys']);
  const fallback = (given['fallback_policy'] ?? 'NOT_DEFINED') as SubsetSelector['fallback'];
  const fallbackKeys = sorted(given['fallback_keys_subset']);
  if (fallback === 'KEYS_SUBSET') checkFallbackKeys(keys, fallbackKeys, field);
  const singleHost = given['single_host_per_subset'] === true;
  if (singleHost && keys.length !== 1) {
    throw new ConfigProblem(field, 'subset_lb selector: single_host_per_subset requires exactly one key');
  }
  return { keys, fallback, fallbackKeys: new Set(fallbackKeys), singleHost };
}

function checkFallbackKeys(keys: readonly string[], fallbackKeys: readonly string[], field: string): void {
  if (fallbackKeys.length === 0) throw new ConfigProblem(field, 'fallback_keys_subset cannot be empty');
  if (!fallbackKeys.every((key) => keys.includes(key))) {
    throw new ConfigProblem(field, 'fallback_keys_subset must be a subset of selector keys');
  }
  if (fallbackKeys.length === keys.length) {
    throw new ConfigProblem(field, 'fallback_keys_subset cannot be equal to keys');
  }
}

const sorted = (keys: unknown): string[] => [...new Set((keys ?? []) as readonly string[])].sort();
