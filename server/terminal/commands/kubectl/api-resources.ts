import { onOff, value } from '#shell';
import { UsageError } from '../../command.ts';
import { formatTable } from '../../table.ts';
import type { Verb } from '../verb.ts';
import { askApi } from './api.ts';

interface Resource {
  readonly name: string;
  readonly group: string;
  readonly apiVersion: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly categories: readonly string[];
}

interface Discovery {
  readonly items: readonly {
    readonly metadata: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind: { readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
        readonly shortNames?: readonly string[];
        readonly categories?: readonly string[];
      }[];
    }[];
  }[];
}

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export const apiResources: Verb = {
  name: 'api-resources',
  manual: `kubectl api-resources [--api-group=networking.istio.io] [--namespaced[=false]] [--verbs=list,get] [--categories=istio-io]
                      [-o name|wide] [--no-headers] [--sort-by=name|kind]
The kinds of object that this cluster knows.`,
  flags: {
    'api-group': value(),
    namespaced: onOff(),
    verbs: value(),
    categories: value(),
    output: value('o'),
    'no-headers': onOff(),
    'sort-by': value(),
    cached: onOff(),
  },
  run: async (flags, io, context) => {
    const output = flags.text('output') ?? '';
    if (!['', 'name', 'wide'].includes(output)) throw new UsageError(`error: --output ${output} is not available`);
    const sortBy = flags.text('sort-by') ?? '';
    if (!['', 'name', 'kind'].includes(sortBy)) throw new UsageError('error: --sort-by accepts only name or kind');
    const group = flags.text('api-group');
    const namespaced = flags.text('namespaced') === undefined ? undefined : flags.on('namespaced');
    const [verbs, categories] = [words(flags.text('verbs')), words(flags.text('categories'))];
    const found = (await discovered(context, io.signal)).filter(
      (each) =>
        (group === undefined || each.group === group) &&
        (namespaced === undefined || each.namespaced === namespaced) &&
        verbs.every((verb) => each.verbs.includes(verb)) &&
        categories.every((category) => each.categories.includes(category)),
    );
    const key = (each: Resource): string =>
      sortBy === 'name' ? each.name : sortBy === 'kind' ? each.kind : `${each.group}\0${each.name}`;
    found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    if (output === 'name')
      io.out(found.map((each) => `${each.name}${each.group === '' ? '' : `.${each.group}`}\n`).join(''));
    else {
      const wide = output === 'wide';
      const head = ['NAME', 'SHORTNAMES', 'APIVERSION', 'NAMESPACED', 'KIND', ...(wide ? ['VERBS', 'CATEGORIES'] : [])];
      const text = formatTable(
        head,
        found.map((each) => row(each, wide)),
      );
      io.out(flags.on('no-headers') ? text.slice(text.indexOf('\n') + 1) : text);
    }
    return 0;
  },
};

const words = (text: string | undefined): string[] => (text === undefined ? [] : text.split(','));

const row = (each: Resource, wide: boolean): string[] => [
  each.name,
  each.shortNames.join(','),
  each.apiVersion,
  String(each.namespaced),
  each.kind,
  ...(wide ? [each.verbs.join(','), each.categories.join(',')] : []),
];

/** What discovery tells, each resource in the version that its group prefers. */
async function discovered(context: Parameters<typeof askApi>[1], signal: AbortSignal): Promise<Resource[]> {
  const lists = await Promise.all(
    ['/api', '/apis'].map(
      async (path) => JSON.parse(await askApi({ path, headers: { accept: AGGREGATED }, signal }, context)) as Discovery,
    ),
  );
  return lists.flatMap(({ items }) =>
    items.flatMap(({ metadata: { name: group = '' }, versions }) => {
      const seen = new Set<string>();
      return versions.flatMap(({ version, resources = [] }) =>
        resources.flatMap((each): Resource[] => {
          if (seen.has(each.resource)) return [];
          seen.add(each.resource);
          return [
            {
              name: each.resource,
              group,
              apiVersion: group === '' ? version : `${group}/${version}`,
              shortNames: each.shortNames ?? [],
              namespaced: each.scope === 'Namespaced',
              kind: each.responseKind.kind,
              verbs: [...each.verbs].sort(),
              categories: each.categories ?? [],
            },
          ];
        }),
      );
    }),
  );
}
