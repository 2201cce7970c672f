import { type FlagSpec, type Flags, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf } from '../verb.ts';
import { formatDiagnostic } from './apply.ts';
import { toYaml } from './output.ts';
import { printedName, storeKind } from './targets.ts';

/** An object as a verb describes it, before it is stored. */
export type NewObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
} & Readonly<Record<string, unknown>>;

/** Flags of every verb that makes an object. */
export const makeFlags: FlagSpec = { 'dry-run': value(), output: value('o') };

interface Making {
  readonly flags: Flags;
  readonly io: CommandIo;
  readonly context: ShellContext;
  /** `create deployment web`, for the list of pushes. */
  readonly title: string;
  /** `created`, `exposed`. */
  readonly done: string;
}

/** Stores an object that must not be there yet, or prints it with `--dry-run`. */
export async function make(object: NewObject, { flags, io, context, title, done }: Making): Promise<number> {
  const dry = flags.text('dry-run') ?? 'none';
  if (!['none', 'client', 'server'].includes(dry))
    throw new UsageError(`error: Invalid dry-run value (${dry}). Must be "none", "server", or "client".`);
  if (dry !== 'none') {
    io.out(printed(object, `${done} (${dry === 'server' ? 'server dry run' : 'dry run'})`, flags, context));
    return 0;
  }
  const namespace = namespaceOf(flags, context);
  refuseExisting(object.apiVersion, { ...object, namespace }, context);
  const outcome = await context.apply([{ file: title, text: JSON.stringify(object) }], {
    namespace,
    title: `kubectl ${title}`,
  });
  if (!outcome.accepted) {
    for (const diagnostic of outcome.diagnostics) io.err(`${formatDiagnostic(diagnostic)}\n`);
    return 1;
  }
  io.out(printed(object, done, flags, context));
  return 0;
}

/** Throws, in the API server's words, when an object of this name is there. */
export function refuseExisting(
  apiVersion: string,
  { kind: kindName, metadata, namespace }: Pick<NewObject, 'kind' | 'metadata'> & { readonly namespace: string },
  context: ShellContext,
): void {
  const kind = context.sandbox.store.kinds.forObject(apiVersion, kindName);
  if (!kind) return;
  const address = { namespace: kind.namespaced ? namespace : '', name: metadata.name };
  if (context.sandbox.store.get(storeKind(context, kind), address) === undefined) return;
  const plural = kind.group === '' ? kind.plural : `${kind.plural}.${kind.group}`;
  throw new UsageError(`Error from server (AlreadyExists): ${plural} "${metadata.name}" already exists`);
}

function printed(object: NewObject, done: string, flags: Flags, context: ShellContext): string {
  const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
  const format = flags.text('output');
  const namespace = flags.text('namespace');
  const whole = namespace === undefined ? object : { ...object, metadata: { ...object.metadata, namespace } };
  if (format === 'yaml') return toYaml(asKubectlWrites(whole));
  if (format === 'json') return `${JSON.stringify(asKubectlWrites(whole), null, 4)}\n`;
  if (format !== undefined && format !== 'name')
    throw new UsageError(`error: unable to match a printer suitable for the output format "${format}"`);
  const name = kind ? printedName(kind, object.metadata.name) : object.metadata.name;
  return format === 'name' ? `${name}\n` : `${name} ${done}\n`;
}

interface Template {
  readonly metadata: object;
  readonly spec: PodSpec;
}

interface PodSpec {
  readonly containers: readonly object[];
}

const unborn = (metadata: object): object => ({ creationTimestamp: null, ...metadata });

const withResources = (spec: PodSpec): object => ({
  ...spec,
  containers: spec.containers.map((container) => ({ ...container, resources: {} })),
});

/** With the empty fields that kubectl 1.32's types have and that it does not leave out. */
function asKubectlWrites(object: NewObject): object {
  const whole = { ...object, metadata: unborn(object.metadata) };
  const spec = (object['spec'] ?? {}) as Record<string, unknown>;
  switch (object.kind) {
    case 'Namespace':
      return { ...whole, spec: {}, status: {} };
    case 'Service':
      return { ...whole, status: { loadBalancer: {} } };
    case 'Pod':
      return { ...whole, spec: withResources(spec as unknown as PodSpec), status: {} };
    case 'Deployment': {
      const { metadata, spec: podSpec } = spec['template'] as Template;
      const template = { metadata: unborn(metadata), spec: withResources(podSpec) };
      return { ...whole, spec: { ...spec, strategy: {}, template }, status: {} };
    }
    default:
      return whole;
  }
}
