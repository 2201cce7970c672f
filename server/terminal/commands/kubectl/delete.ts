import { type Flags, many, onOff, readSeconds, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { readManifests } from './apply.ts';
import { aborted } from './get.ts';
import { manifestObjects } from './manifest-objects.ts';
import {
  completeTargets,
  getObject,
  listObjects,
  printedKind,
  readTargets,
  storeKind,
  type Target,
} from './targets.ts';

interface Named extends Target {
  readonly namespace: string;
  readonly name: string;
}

export const remove: Verb = {
  name: 'delete',
  manual: `kubectl delete <kind> <name…> | <kind> --all | <kind> -l selector | -f <file>   [-n namespace] [--ignore-not-found] [--wait=false]
Removes objects, and waits until they are gone. A pod of a deployment comes back as a new one.`,
  flags: {
    filename: many('f'),
    selector: value('l'),
    all: onOff(),
    'ignore-not-found': onOff(),
    wait: onOff(),
    timeout: value(),
    now: onOff(),
    force: onOff(),
    'grace-period': value(),
  },
  run: async (flags, io, context) => {
    const targets = flags.all('filename').length > 0 ? await fromFiles(flags, io, context) : fromWords(flags, context);
    if (targets.length === 0) io.out('No resources found\n');
    const graceSeconds = graceOf(flags);
    const timeoutMs = timeoutOf(flags);
    const going: Going[] = [];
    let code = 0;
    for (const target of targets) {
      const { kind, name, namespace } = target;
      let uid: string | undefined;
      try {
        ({ uid } = getObject(context, kind, namespace, name).metadata);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        if (flags.on('ignore-not-found')) continue;
        io.err(`${error.message}\n`);
        code = 1;
        continue;
      }
      const address = { namespace: kind.namespaced ? namespace : '', name };
      const changeId = context.sandbox.remove(storeKind(context, kind), address, graceSeconds);
      context.changed(changeId, `kubectl delete ${kind.singular} ${name}`);
      io.out(`${printedKind(kind)} "${name}" ${flags.on('force') ? 'force deleted' : 'deleted'}\n`);
      going.push({ ...target, uid });
    }
    const waits = flags.text('wait') !== 'false' && graceSeconds !== 0;
    if (!waits || (await gone(going, timeoutMs, { io, context }))) return io.signal.aborted ? 130 : code;
    return 1;
  },
  complete: completeTargets,
};

/** As long as kubectl waits unless it is told otherwise: a week. */
const DEFAULT_WAIT_MS = 168 * 3_600_000;

function timeoutOf(flags: Flags): number {
  const asked = flags.text('timeout');
  const ms = asked === undefined ? 0 : readSeconds(asked);
  if (ms === undefined) throw new UsageError(`error: invalid argument "${asked}" for "--timeout" flag`);
  return ms === 0 ? DEFAULT_WAIT_MS : ms;
}

/** An object that was asked to go; another one may come under its name. */
interface Going extends Named {
  readonly uid: string | undefined;
}

/** Waits for all of them; false when the time was up before. */
async function gone(
  all: readonly Going[],
  timeoutMs: number,
  { io, context }: { readonly io: CommandIo; readonly context: ShellContext },
): Promise<boolean> {
  const isThere = ({ kind, name, namespace, uid }: Going): boolean => {
    const found = context.sandbox.store.get(storeKind(context, kind), {
      namespace: kind.namespaced ? namespace : '',
      name,
    });
    return found !== undefined && found.metadata.uid === uid;
  };
  const left = (): readonly Going[] => all.filter(isThere);
  if (left().length === 0) return true;
  const met = (): boolean => io.signal.aborted || left().length === 0;
  await Promise.race([context.sandbox.until(met, timeoutMs, 'deletion').catch(() => undefined), aborted(io.signal)]);
  if (met()) return true;
  for (const { kind, name } of left()) io.err(`error: timed out waiting for the condition on ${kind.plural}/${name}\n`);
  return false;
}

/** Less than a second only with --force, as kubectl has it; undefined: what the object itself says. */
function graceOf(flags: Flags): number | undefined {
  if (flags.on('now')) return 1;
  const text = flags.text('grace-period');
  if (text === undefined) return flags.on('force') ? 0 : undefined;
  const seconds = Number(text);
  if (text.trim() === '' || !Number.isInteger(seconds))
    throw new UsageError(
      `error: invalid argument "${text}" for "--grace-period" flag: strconv.ParseInt: parsing "${text}": invalid syntax`,
    );
  if (seconds < 0) return undefined;
  return seconds === 0 && !flags.on('force') ? 1 : seconds;
}

async function fromFiles(flags: Flags, io: CommandIo, context: ShellContext): Promise<Named[]> {
  const files = await readManifests(flags.all('filename'), io, context);
  return files
    .flatMap((file) => manifestObjects(file.text))
    .map(({ apiVersion, kind: kindName, name, namespace }) => {
      const kind = context.sandbox.store.kinds.forObject(apiVersion, kindName);
      if (!kind)
        throw new UsageError(
          `error: resource mapping not found for name: "${name}": no matches for kind "${kindName}" in version "${apiVersion}"`,
        );
      return { kind, name, namespace: namespace ?? namespaceOf(flags, context) };
    });
}

function fromWords(flags: Flags, context: ShellContext): Named[] {
  if (flags.words.length === 0)
    throw new UsageError(
      `error: You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'`,
    );
  const namespace = namespaceOf(flags, context);
  const labelSelector = flags.text('selector');
  return readTargets(context, flags.words, 'delete').flatMap(({ kind, name }) => {
    if (name !== undefined) return [{ kind, name, namespace }];
    if (!flags.on('all') && labelSelector === undefined)
      throw new UsageError('error: resource(s) were provided, but no name was specified');
    return listObjects(context, kind, { namespace, labelSelector }).map((object) => ({
      kind,
      name: object.metadata.name,
      namespace,
    }));
  });
}
