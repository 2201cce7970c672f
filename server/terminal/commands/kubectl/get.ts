import type { KindDefinition, KubeObject } from '#domain';
import { parseFieldSelector, parseLabelSelector } from '#kube-api';
import { many, onOff, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { columnWidths, formatRows } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { streamApi } from './api.ts';
import { readManifests } from './apply.ts';
import { selectPath, showValue } from './jsonpath/evaluate.ts';
import { manifestObjects } from './manifest-objects.ts';
import { type Group, printAs, printingOf, printTable, type TableOptions, tableRows } from './output.ts';
import { completeTargets, listObjects, notFound, type Query, readTargets, storeKind, type Target } from './targets.ts';

export const get: Verb = {
  name: 'get',
  manual: `kubectl get <kind>[,<kind>] [name…] [-n namespace | -A] [-l selector] [-o wide|yaml|json|name|jsonpath=…|custom-columns=…|go-template=…]
            [-w] [--show-labels] [-L label,…] [--no-headers] [--sort-by=.metadata.name] [--field-selector=…] [--ignore-not-found]
kubectl get -f <file> …   kubectl get --raw /path   the API server's own answer: /healthz, /apis/networking.istio.io/v1
Lists objects of the lab's cluster. kubectl get all shows pods, services, deployments.`,
  flags: {
    'all-namespaces': onOff('A'),
    selector: value('l'),
    output: value('o'),
    watch: onOff('w'),
    'show-labels': onOff(),
    'label-columns': many('L'),
    'no-headers': onOff(),
    'field-selector': value(),
    'sort-by': value(),
    'ignore-not-found': onOff(),
    'show-managed-fields': onOff(),
    'show-kind': onOff(),
    template: value(),
    filename: many('f'),
    raw: value(),
    'chunk-size': value(),
    'server-print': onOff(),
    'watch-only': onOff(),
    'output-watch-events': onOff(),
  },
  run: async (flags, io, context) => {
    const raw = flags.text('raw');
    if (raw !== undefined) {
      if (flags.words.length > 0) throw new UsageError('error: arguments may not be passed when --raw is specified');
      await streamApi({ path: raw, signal: io.signal }, context, io.out);
      return 0;
    }
    const files = flags.all('filename');
    const targets = files.length > 0 ? await fileTargets(files, io, context) : readTargets(context, flags.words, 'get');
    const everywhere = flags.on('all-namespaces');
    const namespace = everywhere ? undefined : namespaceOf(flags, context);
    if (everywhere && targets.some(({ name }) => name !== undefined))
      throw new UsageError('error: a resource cannot be retrieved by name across all namespaces');
    const query: Query = {
      namespace,
      labelSelector: flags.text('selector'),
      fieldSelector: flags.text('field-selector'),
    };
    const { groups, missing } = collect(context, targets, query, flags.text('sort-by'));
    const single = targets.length === 1 && targets[0]?.name !== undefined;
    const options: TableOptions = {
      wide: flags.text('output') === 'wide',
      withNamespace: everywhere,
      showLabels: flags.on('show-labels'),
      labelColumns: flags.all('label-columns').flatMap((list) => list.split(',')),
      noHeaders: flags.on('no-headers'),
      prefixed: groups.length > 1 || flags.on('show-kind'),
      nowMs: context.clock.now(),
    };
    const filled = groups.filter((group) => group.objects.length > 0);
    const wanted = single && filled.length === 0 ? undefined : printAs(printingOf(flags, context), groups, single);
    if (wanted !== undefined) io.out(wanted);
    else if (flags.on('watch') || flags.on('watch-only')) await watch(io, context, { groups, targets, query, options });
    else if (filled.length > 0)
      io.out(filled.map((group) => printTable(group, options)).join(options.noHeaders ? '' : '\n'));
    else if (missing.length === 0) {
      const scoped = groups.some(({ kind }) => kind.namespaced) && namespace !== undefined;
      io.err(scoped ? `No resources found in ${namespace} namespace.\n` : 'No resources found\n');
    }
    if (flags.on('ignore-not-found')) return 0;
    for (const error of missing) io.err(`${error.message}\n`);
    return missing.length > 0 ? 1 : 0;
  },
  complete: completeTargets,
};

/** The objects that files name, wherever their namespaces are. */
async function fileTargets(files: readonly string[], io: CommandIo, context: ShellContext): Promise<Target[]> {
  const manifests = await readManifests(files, io, context);
  return manifests.flatMap(({ text }) =>
    manifestObjects(text).map(({ apiVersion, kind: word, name }) => {
      const kind = context.sandbox.store.kinds.forObject(apiVersion, word);
      if (!kind) throw new UsageError(`error: no matches for kind "${word}" in version "${apiVersion}"`);
      return { kind, name };
    }),
  );
}

interface Collected {
  readonly groups: readonly Group[];
  readonly missing: readonly UsageError[];
}

/** Objects by kind, in the order asked for, and what was not there. */
function collect(
  context: ShellContext,
  targets: readonly Target[],
  query: Query,
  sortBy: string | undefined,
): Collected {
  const groups = new Map<KindDefinition, KubeObject[]>();
  const missing: UsageError[] = [];
  for (const { kind, name } of targets) {
    const objects = groups.get(kind) ?? [];
    groups.set(kind, objects);
    const found = listObjects(context, kind, query).filter(
      (object) => name === undefined || object.metadata.name === name,
    );
    if (name !== undefined && found.length === 0) missing.push(notFound(kind, name));
    objects.push(...found);
  }
  if (sortBy !== undefined) for (const objects of groups.values()) sortObjects(objects, sortBy);
  return { groups: [...groups].map(([kind, objects]) => ({ kind, objects })), missing };
}

function sortObjects(objects: KubeObject[], path: string): void {
  const keys = new Map(objects.map((object) => [object, selectPath(path, object)[0]]));
  objects.sort((a, b) => {
    const [left, right] = [keys.get(a), keys.get(b)];
    if (typeof left === 'number' && typeof right === 'number') return left - right;
    return showValue(left ?? '') < showValue(right ?? '') ? -1 : 1;
  });
}

interface Watched {
  readonly groups: readonly Group[];
  readonly targets: readonly Target[];
  readonly query: Query;
  readonly options: TableOptions;
}

/** Prints what is there, then a row for each change until Ctrl+C. */
async function watch(io: CommandIo, context: ShellContext, watched: Watched): Promise<void> {
  const { groups, targets, query, options } = watched;
  const [group, second] = groups;
  if (!group || second) throw new UsageError('error: you may only specify a single resource type to watch');
  const { kind } = group;
  const names = new Set(targets.flatMap(({ name }) => (name === undefined ? [] : [name])));
  const labels = parseLabelSelector(query.labelSelector ?? '');
  const fields = parseFieldSelector(query.fieldSelector ?? '');
  const wanted = ({ metadata }: KubeObject): boolean =>
    (names.size === 0 || names.has(metadata.name)) &&
    (!kind.namespaced || query.namespace === undefined || metadata.namespace === query.namespace);
  let widths: number[] = [];
  let begun = options.noHeaders;
  // The store tells all present objects first, then each change, as a list followed by a watch.
  const end = context.sandbox.store.watch(storeKind(context, kind), ({ object }) => {
    if (!wanted(object) || !labels(object.metadata.labels ?? {}) || !fields(object)) return;
    const rows = tableRows({ kind, objects: [object] }, { ...options, nowMs: context.clock.now() });
    const shown = begun ? rows.slice(1) : rows;
    begun = true;
    widths = columnWidths([
      widths.map((width) => ' '.repeat(width)),
      ...(widths.length === 0 ? tableRows(group, options) : []),
      ...shown,
    ]);
    io.out(formatRows(shown, widths));
  });
  await aborted(io.signal);
  end();
}

/** Resolves at Ctrl+C. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
