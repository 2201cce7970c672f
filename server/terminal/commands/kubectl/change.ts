import { parse } from 'yaml';
import type { KubeObject } from '#domain';
import { jsonPatch, patchStrategically } from '#kube-api';
import { readCount, value } from '#shell';
import { UsageError } from '../../command.ts';
import type { Verb } from '../verb.ts';
import { completeTargets, getObject, printedName } from './targets.ts';
import { choiceFlags, chosen, mergeInto, writeChange } from './write.ts';

/** Kinds with a scale sub-resource. */
const SCALABLE = new Set(['Deployment', 'ReplicaSet']);

export const scale: Verb = {
  name: 'scale',
  manual: 'kubectl scale <deploy/name | deployment name> --replicas=n [-n namespace]',
  flags: { ...choiceFlags, replicas: value() },
  run: async (flags, io, context) => {
    const text = flags.text('replicas');
    if (text === undefined) throw new UsageError('error: required flag(s) "replicas" not set');
    const replicas = readCount(text, Number.NEGATIVE_INFINITY);
    if (replicas === undefined)
      throw new UsageError(
        `Error: invalid argument "${text}" for "--replicas" flag: strconv.ParseInt: parsing "${text}": invalid syntax\nSee 'kubectl scale --help' for usage.`,
      );
    if (replicas < 0)
      throw new UsageError(
        'error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0',
      );
    for (const target of chosen(context, flags.words, flags, 'scale')) {
      getObject(context, target.kind, target.namespace, target.name);
      if (!SCALABLE.has(target.kind.kind))
        throw new UsageError('Error from server (NotFound): the server could not find the requested resource');
      mergeInto(context, target, { spec: { replicas } }, `kubectl scale ${target.name} --replicas=${replicas}`);
      io.out(`${printedName(target.kind, target.name)} scaled\n`);
    }
    return 0;
  },
  complete: completeTargets,
};

export const patch: Verb = {
  name: 'patch',
  manual: `kubectl patch <kind> <name> [--type=merge|strategic|json] -p '{"spec":{…}}' | --patch-file <file> [-n namespace]
Kinds of Istio need --type=merge, as on a real cluster.`,
  flags: { patch: value('p'), 'patch-file': value(), type: value() },
  run: async (flags, io, context) => {
    const file = flags.text('patch-file');
    const text = file === undefined ? flags.text('patch') : context.files.read(file);
    if (file !== undefined && text === undefined)
      throw new UsageError(`error: unable to read patch file: open ${file}: no such file or directory`);
    if (text === undefined)
      throw new UsageError('error: must specify --patch or --patch-file containing the contents of the patch');
    const type = flags.text('type') ?? 'strategic';
    if (type !== 'merge' && type !== 'strategic' && type !== 'json')
      throw new UsageError(`error: --type must be one of [json merge strategic], not "${type}"`);
    const body = readPatch(text, type === 'json');
    for (const target of chosen(context, flags.words, flags, 'patch')) {
      getObject(context, target.kind, target.namespace, target.name);
      if (type === 'strategic' && target.kind.group.includes('.io'))
        throw new UsageError(
          'Error from server (UnsupportedMediaType): the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
        );
      const title = `kubectl patch ${target.name}`;
      const changed =
        type === 'merge'
          ? mergeInto(context, target, body, title)
          : writeChange(context, target, title, (current, options) => {
              const after = type === 'json' ? jsonPatch(current, body) : patchStrategically(target.kind, current, body);
              return context.sandbox.store.update(after as KubeObject, options);
            });
      io.out(`${printedName(target.kind, target.name)} patched${changed ? '' : ' (no change)'}\n`);
    }
    return 0;
  },
  complete: completeTargets,
};

/** A patch is JSON, or YAML: an object, or a list of operations. */
function readPatch(text: string, isList: boolean): object {
  try {
    const body: unknown = parse(text, { maxAliasCount: 20 });
    if (typeof body === 'object' && body !== null && Array.isArray(body) === isList) return body;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n', 1)[0] : String(error);
    throw new UsageError(`error: unable to parse "${text}": ${why}`);
  }
  throw new UsageError(
    `error: unable to parse "${text}": a patch of this type is ${isList ? 'a list of operations' : 'an object'}`,
  );
}
