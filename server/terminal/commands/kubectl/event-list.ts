import { ageSince } from '#domain';
import { onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { columnWidths, formatRows } from '../../table.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { type EventFields, timesOf } from './describe/events.ts';
import { aborted } from './get.ts';
import { printAs } from './output.ts';
import { findKind } from './targets.ts';

/** `kubectl events`: newest last, as a table of when, what and why. */
export const events: Verb = {
  name: 'events',
  manual:
    'kubectl events [-n namespace | -A] [--for kind/name] [--types=Normal,Warning] [-w] [--no-headers] [-o yaml|json|name]   What happened, the newest last.',
  flags: {
    'all-namespaces': onOff('A'),
    for: value(),
    types: value(),
    watch: onOff('w'),
    'no-headers': onOff(),
    output: value('o'),
  },
  run: async (flags, io, context) => {
    const everywhere = flags.on('all-namespaces');
    const namespace = everywhere ? undefined : namespaceOf(flags, context);
    const about = readAbout(flags.text('for'), context);
    const types = flags.text('types')?.toLowerCase().split(',');
    for (const type of types ?? [])
      if (type !== 'normal' && type !== 'warning') throw new UsageError('error: valid --types are Normal or Warning');
    const wanted = (event: EventFields): boolean =>
      (namespace === undefined || event.metadata.namespace === namespace) &&
      (about === undefined ||
        (event.involvedObject?.kind === about.kind && event.involvedObject.name === about.name)) &&
      (types === undefined || types.includes((event.type ?? '').toLowerCase()));
    const own = (context.sandbox.store.list('Event') as EventFields[]).filter(wanted);
    own.sort((a, b) => timesOf(a).lastMs - timesOf(b).lastMs);
    const kind = findKind(context, 'events');
    const text = printAs({ format: flags.text('output') }, [{ kind, objects: own }], false);
    if (text !== undefined) {
      io.out(text);
      return 0;
    }
    if (own.length === 0 && !flags.on('watch')) {
      io.err(namespace === undefined ? 'No events found.\n' : `No events found in ${namespace} namespace.\n`);
      return 0;
    }
    const head = [...(everywhere ? ['NAMESPACE'] : []), 'LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
    const rows = own.map((event) => row(event, everywhere, context));
    const all = [head, ...rows];
    io.out(formatRows(flags.on('no-headers') ? rows : all, columnWidths(all)));
    if (!flags.on('watch')) return 0;
    const known = new Set(own.map((event) => `${event.metadata.uid}/${event.metadata.resourceVersion}`));
    const end = context.sandbox.store.watch('Event', ({ type, object }) => {
      const event = object as EventFields;
      if (type === 'DELETED' || !wanted(event) || known.has(`${event.metadata.uid}/${event.metadata.resourceVersion}`))
        return;
      io.out(formatRows([row(event, everywhere, context)], columnWidths(all)));
    });
    await aborted(io.signal);
    end();
    return 130;
  },
};

function readAbout(text: string | undefined, context: ShellContext): { kind: string; name: string } | undefined {
  if (text === undefined) return undefined;
  const [type, name, ...more] = text.split('/');
  if (!type || !name || more.length > 0) throw new UsageError('error: --for must be in resource/name form');
  return { kind: findKind(context, type).kind, name };
}

function row(event: EventFields, everywhere: boolean, context: ShellContext): string[] {
  const { firstMs, lastMs, count } = timesOf(event);
  const age = (ms: number): string => ageSince(new Date(ms).toISOString(), context.clock.now());
  const seen = count > 1 ? `${age(lastMs)} (x${count} over ${age(firstMs)})` : age(lastMs);
  const { kind = '', name = '' } = event.involvedObject ?? {};
  return [
    ...(everywhere ? [event.metadata.namespace ?? ''] : []),
    seen,
    event.type ?? '',
    event.reason ?? '',
    `${kind}/${name}`,
    (event.message ?? '').trim(),
  ];
}
