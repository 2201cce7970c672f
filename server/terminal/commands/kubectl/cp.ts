import { onOff, textPipe, value } from '#shell';
import { type CommandIo, type ShellContext, UsageError } from '../../command.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { chooseContainer } from './containers.ts';
import { completePods, findPod } from './targets.ts';

const MAX_BYTES = 1_048_576;

/** `[[namespace/]pod:]path` */
interface Place {
  readonly namespace?: string;
  readonly pod?: string;
  readonly path: string;
}

export const cp: Verb = {
  name: 'cp',
  manual: `kubectl cp <file> [namespace/]<pod>:<path> [-c container]
kubectl cp [namespace/]<pod>:<path> <file> [-c container]
Copies a text file between this terminal and a container.`,
  flags: { container: value('c'), 'no-preserve': onOff(), retries: value() },
  run: async (flags, io, context) => {
    const [from, to, more] = flags.words;
    if (from === undefined || to === undefined || more !== undefined)
      throw new UsageError('error: source and destination are required');
    const [source, target] = [placeOf(from), placeOf(to)];
    if (source.pod !== undefined && target.pod !== undefined)
      throw new UsageError('error: one of src or dest must be a local file specification');
    const pod = source.pod ?? target.pod;
    if (pod === undefined) throw new UsageError('error: one of src or dest must be a remote file specification');
    const inside = source.pod === undefined ? target : source;
    const container = runnerOf(
      { pod, namespace: inside.namespace ?? namespaceOf(flags, context) },
      { asked: flags.text('container'), io, context },
    );
    if (source.pod === undefined) return send({ local: from, remote: target.path }, container, { io, context });
    return fetchFile({ remote: source.path, local: to }, container, { io, context });
  },
  complete: completePods,
};

/** A drive letter of one's own machine is no pod. */
function placeOf(word: string): Place {
  const at = word.indexOf(':');
  if (at < 0) return { path: word };
  const [where, path] = [word.slice(0, at), word.slice(at + 1)];
  const [first = '', second] = where.split('/');
  if (path === '') throw new UsageError('error: filepath can not be empty');
  return second === undefined ? { pod: first, path } : { namespace: first, pod: second, path };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a program in the container with text as its input. */
type Runner = (command: readonly string[], input?: string) => Promise<Ran>;

function runnerOf(
  target: { readonly pod: string; readonly namespace: string },
  {
    asked,
    io,
    context,
  }: { readonly asked: string | undefined; readonly io: CommandIo; readonly context: ShellContext },
): Runner {
  const pod = findPod(context, target.namespace, target.pod);
  const container = chooseContainer({ pod, asked, verb: 'exec' }, io, context);
  return async (command, input = '') => {
    let [out, err] = ['', ''];
    const code = await pod.run(container, command, {
      ...io,
      hasStdin: true,
      stdin: textPipe(input),
      out: (text) => {
        if (out.length < MAX_BYTES) out += text;
      },
      err: (text) => {
        err += text;
      },
    });
    return { code, out, err };
  };
}

interface Surroundings {
  readonly io: CommandIo;
  readonly context: ShellContext;
}

const baseName = (path: string): string => path.replace(/\/+$/, '').split('/').at(-1) ?? path;

async function send(
  { local, remote }: { readonly local: string; readonly remote: string },
  run: Runner,
  { io, context }: Surroundings,
): Promise<number> {
  const text = context.files.read(local);
  if (text === undefined) throw new UsageError(`error: ${local} doesn't exist in local filesystem`);
  const isFolder = (await run(['test', '-d', remote])).code === 0;
  const path = isFolder ? `${remote.replace(/\/+$/, '')}/${baseName(local)}` : remote;
  return told(await run(['tee', path], text), io);
}

async function fetchFile(
  { remote, local }: { readonly remote: string; readonly local: string },
  run: Runner,
  { io, context }: Surroundings,
): Promise<number> {
  const found = await run(['cat', remote]);
  if (found.code !== 0) return told(found, io);
  context.files.write(/^(?:\.|~)?\/?$/.test(local) ? baseName(remote) : local, found.out);
  return 0;
}

function told({ code, err }: Ran, io: CommandIo): number {
  if (code === 0) return 0;
  io.err(`${err}command terminated with exit code ${code}\n`);
  return 1;
}
