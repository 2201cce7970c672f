import { reviewKinds } from '../auth/review-kinds.ts';
import type { KindRegistry, ServedKind } from '../doors.ts';
import type { Exchange } from '../http/exchange.ts';
import { discoveryVersion } from '../http/negotiate.ts';
import type { JsonRecord } from '../json.ts';
import { type Group, type GroupVersion, groupsOf, groupVersionText } from './groups.ts';
import { type Subresource, subresourcesOf } from './subresources.ts';

const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

function verbsOf(kind: ServedKind): readonly string[] {
  if (reviewKinds.includes(kind)) return ['create'];
  return kind.kind === 'Namespace' ? ALL_VERBS.filter((verb) => verb !== 'deletecollection') : ALL_VERBS;
}

const partsOf = (kind: ServedKind): readonly Subresource[] => (reviewKinds.includes(kind) ? [] : subresourcesOf(kind));

/** What the server serves, in the three forms that clients ask for. The registry does not change, so each is built once. */
export class Discovery {
  readonly groups: readonly Group[];
  readonly #aggregated = new Map<string, string>();

  constructor(registry: KindRegistry) {
    this.groups = groupsOf(registry);
  }

  /** Answers `/api`, `/apis` and what lies below, down to the list of resources. False: the path is none of these. */
  answer(exchange: Exchange): boolean {
    const [root, group, version, ...more] = exchange.url.pathname.split('/').filter((part) => part !== '');
    if (root === 'api') return more.length === 0 && version === undefined && this.#core(exchange, group);
    if (root !== 'apis' || more.length > 0) return false;
    if (group === undefined) return this.#all(exchange);
    const found = this.groups.find((each) => each.name === group && each.name !== '');
    if (!found) return false;
    if (version === undefined) {
      exchange.json(200, { kind: 'APIGroup', apiVersion: 'v1', ...legacyGroup(found) });
      return true;
    }
    return resources(exchange, found, version);
  }

  #core(exchange: Exchange, version: string | undefined): boolean {
    const core = this.groups.filter((each) => each.name === '');
    if (version !== undefined) return core[0] !== undefined && resources(exchange, core[0], version);
    if (this.#sendAggregated(exchange, core)) return true;
    const serverAddressByClientCIDRs = [{ clientCIDR: '0.0.0.0/0', serverAddress: exchange.header('host') ?? '' }];
    exchange.json(200, { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs });
    return true;
  }

  #all(exchange: Exchange): boolean {
    const named = this.groups.filter((each) => each.name !== '');
    if (this.#sendAggregated(exchange, named)) return true;
    exchange.json(200, { kind: 'APIGroupList', apiVersion: 'v1', groups: named.map(legacyGroup) });
    return true;
  }

  #sendAggregated(exchange: Exchange, groups: readonly Group[]): boolean {
    const version = discoveryVersion(exchange.header('accept'));
    exchange.response.setHeader('Vary', 'Accept');
    if (!version) return false;
    const key = `${version}/${groups[0]?.name}`;
    const known = this.#aggregated.get(key) ?? JSON.stringify(aggregated(groups, version));
    this.#aggregated.set(key, known);
    exchange.send(200, known, `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
    return true;
  }
}

function legacyGroup({ name, versions }: Group): JsonRecord {
  const listed = versions.map((each) => ({ groupVersion: groupVersionText(each), version: each.version }));
  return { name, versions: listed, preferredVersion: listed[0] };
}

function resources(exchange: Exchange, group: Group, version: string): boolean {
  const found = group.versions.find((each) => each.version === version);
  if (!found) return false;
  const list = found.kinds.flatMap((kind) => [
    legacyResource(kind),
    ...partsOf(kind).map((part) => legacyPart(kind, part)),
  ]);
  const groupVersion = groupVersionText(found);
  exchange.json(200, { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: list });
  return true;
}

function legacyResource(kind: ServedKind): JsonRecord {
  const { categories, namespaced, plural, shortNames, singular } = kind;
  return {
    name: plural,
    singularName: singular,
    namespaced,
    kind: kind.kind,
    verbs: verbsOf(kind),
    ...(shortNames.length > 0 ? { shortNames } : {}),
    ...(categories.length > 0 ? { categories } : {}),
  };
}

function legacyPart({ namespaced, plural }: ServedKind, { name, ...part }: Subresource): JsonRecord {
  return { name: `${plural}/${name}`, singularName: '', namespaced, ...part };
}

function aggregated(groups: readonly Group[], version: string): JsonRecord {
  const items = groups.map(({ name, versions }) => ({
    metadata: { name, creationTimestamp: null },
    versions: versions.map((each) => ({
      version: each.version,
      freshness: 'Current',
      resources: each.kinds.map((kind) => aggregatedResource(kind, each)),
    })),
  }));
  return { kind: 'APIGroupDiscoveryList', apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
}

function aggregatedResource(kind: ServedKind, { group, version }: GroupVersion): JsonRecord {
  const parts = partsOf(kind).map((part) => ({
    subresource: part.name,
    responseKind: { group: part.group ?? group, version: part.version ?? version, kind: part.kind },
    verbs: part.verbs,
  }));
  return {
    resource: kind.plural,
    responseKind: { group, version, kind: kind.kind },
    scope: kind.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: kind.singular,
    verbs: verbsOf(kind),
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
    ...(parts.length > 0 ? { subresources: parts } : {}),
  };
}
