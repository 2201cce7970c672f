import type { MeshConfig } from '../../doors.ts';
import type { MergedDestinationRule, Owned } from '../../snapshot/destination-rules.ts';
import type { PolicyBlocks, TrafficPolicy } from '../../snapshot/istio-types.ts';

type Block = keyof PolicyBlocks;

const BLOCKS = [
  'loadBalancer',
  'connectionPool',
  'outlierDetection',
  'tls',
  'tunnel',
  'proxyProtocol',
  'retryBudget',
] as const satisfies readonly Block[];

/** Blocks that a subset's settings for a port set back to their defaults where they leave them out. */
const PORT_BLOCKS: ReadonlySet<Block> = new Set(['loadBalancer', 'connectionPool', 'outlierDetection', 'tls']);

/** A block and where it stands; in the mesh's own configuration it has no owner. */
export interface PolicyBlock<Value> {
  readonly value: Value;
  readonly owner: Owned<unknown>['owner'] | undefined;
  readonly path: string;
}

export interface PolicyTarget {
  readonly subset?: string | undefined;
  readonly port: number;
  /** With what it sets for every host; absent: only what rules say. */
  readonly mesh?: MeshConfig;
}

/** The blocks that apply to one port of one subset, each with the place it stands at. */
export type EffectivePolicy = {
  readonly [Key in Block]?: PolicyBlock<NonNullable<PolicyBlocks[Key]>>;
};

/**
 * Joins a rule's policy, its port's, and its subset's. Settings for a port replace the wider blocks as a whole, and a block they leave
 * out falls back to its default; a subset's blocks replace the rule's one by one. Source: MergeSubsetTrafficPolicy in istio pilot.
 */
export function effectivePolicy(
  rule: MergedDestinationRule | undefined,
  { subset, port, mesh }: PolicyTarget,
): EffectivePolicy {
  const base = withMeshDefaults(atPort(rule?.trafficPolicy, port), mesh);
  const wanted = subset ? rule?.subsets.find(({ value }) => value.name === subset) : undefined;
  const policy = wanted?.value.trafficPolicy;
  if (wanted === undefined || policy === undefined) return base.blocks;
  const own = atPort({ ...wanted, value: policy, path: `${wanted.path}.trafficPolicy` }, port);
  if (!own.isPortLevel) return { ...base.blocks, ...own.blocks };
  const kept = Object.entries(base.blocks).filter(([block]) => !PORT_BLOCKS.has(block as Block));
  return { ...Object.fromEntries(kept), ...own.blocks };
}

/** Blocks that the mesh sets for every host whose rule leaves them out. */
function withMeshDefaults(base: AtPort, mesh: MeshConfig | undefined): AtPort {
  const defaultTrafficPolicy = mesh?.defaultTrafficPolicy;
  if (defaultTrafficPolicy === undefined) return base;
  const { connectionPool, outlierDetection } = defaultTrafficPolicy;
  const place = { owner: undefined, path: '' };
  return {
    ...base,
    blocks: {
      ...(connectionPool && { connectionPool: { value: connectionPool, ...place } }),
      ...(outlierDetection && { outlierDetection: { value: outlierDetection, ...place } }),
      ...base.blocks,
    },
  };
}

interface AtPort {
  readonly blocks: EffectivePolicy;
  readonly isPortLevel: boolean;
}

function atPort(policy: Owned<TrafficPolicy> | undefined, port: number): AtPort {
  if (policy === undefined) return { blocks: {}, isPortLevel: false };
  const settings = policy.value.portLevelSettings ?? [];
  const index = settings.findIndex((each) => each.port?.number === port);
  const found = settings[index];
  return found === undefined
    ? { blocks: blocksOf({ ...policy, value: policy.value }), isPortLevel: false }
    : {
        blocks: blocksOf({ ...policy, value: found, path: `${policy.path}.portLevelSettings[${index}]` }),
        isPortLevel: true,
      };
}

function blocksOf({ value, owner, path }: Owned<PolicyBlocks>): EffectivePolicy {
  return Object.fromEntries(
    BLOCKS.filter((block) => value[block] !== undefined && value[block] !== null).map((block) => [
      block,
      { value: value[block], owner, path: `${path}.${block}` },
    ]),
  );
}
