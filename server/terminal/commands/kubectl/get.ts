import type { KubeObject } from '#domain';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { type Group, printAs, printTable, type TableOptions } from './output.ts';
import { commonFlags, namespaceOf, notFound, readTargets, storeKind, type Target } from './targets.ts';
import type { Verb } from './verb.ts';

export const get: Verb = {
  name: 'get',
  manual: `kubectl get <kind>[,<kind>] [name…] [-n namespace | -A] [-l selector] [-o wide|yaml|json|name|jsonpath=…] [-w] [--show-labels]
Lists objects of the lab's cluster. kubectl get all shows pods, services, deployments.`,
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      ...commonFlags,
      watch: { type: 'boolean', short: 'w' },
      'show-labels': { type: 'boolean' },
      'no-headers': { type: 'boolean' },
      'field-selector': { type: 'string' },
    });
    const targets = readTargets(context, flags.words);
    const everywhere = flags.on('all-namespaces');
    const namespace = everywhere ? undefined : namespaceOf(flags);
    const query = { namespace, labelSelector: flags.text('selector'), fieldSelector: flags.text('field-selector') };
    const groups = collect(context, targets, query);
    const single = targets.length === 1 && targets[0]?.name !== undefined;
    const text = printAs(flags.text('output'), groups, single);
    if (text !== undefined) {
      io.out(text);
      return 0;
    }
    const filled = groups.filter((group) => group.objects.length > 0);
    if (filled.length === 0 && !flags.on('watch')) {
      io.err(everywhere ? 'No resources found\n' : `No resources found in ${namespace} namespace.\n`);
      return 0;
    }
    const options: TableOptions = {
      wide: flags.text('output') === 'wide',
      withNamespace: everywhere,
      showLabels: flags.on('show-labels'),
      noHeaders: flags.on('no-headers'),
      prefixed: filled.length > 1,
      nowMs: context.clock.now(),
    };
    io.out(filled.map((group) => printTable(group, options)).join('\n'));
    if (flags.on('watch')) await watch(io, context, groups, options);
    return 0;
  },
};

interface Query {
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
}

/** Objects by kind, in the order asked for. */
function collect(context: ShellContext, targets: readonly Target[], query: Query): Group[] {
  const groups = new Map<string, { kind: Target['kind']; objects: KubeObject[] }>();
  for (const { kind, name } of targets) {
    const key = `${kind.group}/${kind.kind}`;
    const group = groups.get(key) ?? { kind, objects: [] };
    groups.set(key, group);
    const found = context.sandbox.store
      .list(storeKind(context, kind), {
        ...(kind.namespaced && query.namespace !== undefined ? { namespace: query.namespace } : {}),
        ...(query.labelSelector !== undefined ? { labelSelector: query.labelSelector } : {}),
        ...(query.fieldSelector !== undefined ? { fieldSelector: query.fieldSelector } : {}),
      })
      .filter((object) => name === undefined || object.metadata.name === name)
      .sort((a, b) => sortKey(a).localeCompare(sortKey(b)));
    if (name !== undefined && found.length === 0) throw notFound(kind, name);
    group.objects.push(...found);
  }
  return [...groups.values()];
}

const sortKey = (object: KubeObject): string => `${object.metadata.namespace ?? ''}/${object.metadata.name}`;

/** Prints a row for each change until Ctrl+C. */
async function watch(
  io: CommandIo,
  context: ShellContext,
  groups: readonly Group[],
  options: TableOptions,
): Promise<void> {
  if (groups.length !== 1) throw new UsageError('error: you may only specify a single resource type to watch');
  const group = groups[0];
  if (!group) return;
  const shown = new Set(group.objects.map((object) => `${sortKey(object)}@${object.metadata.resourceVersion}`));
  const names = new Set(group.objects.map((object) => object.metadata.namespace));
  const end = context.sandbox.store.watch(storeKind(context, group.kind), ({ object }) => {
    if (!options.withNamespace && names.size > 0 && !names.has(object.metadata.namespace)) return;
    const key = `${sortKey(object)}@${object.metadata.resourceVersion}`;
    if (shown.has(key)) return;
    shown.add(key);
    io.out(
      printTable({ kind: group.kind, objects: [object] }, { ...options, noHeaders: true, nowMs: context.clock.now() }),
    );
  });
  await new Promise<void>((resolve) => io.signal.addEventListener('abort', () => resolve(), { once: true }));
  end();
}
