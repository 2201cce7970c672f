import { parseAllDocuments } from 'yaml';
import { UsageError } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { readManifests } from './apply.ts';
import {
  commonFlags,
  completeTargets,
  getObject,
  namespaceOf,
  readTargets,
  storeKind,
  type Target,
} from './targets.ts';
import type { Verb } from './verb.ts';

interface Named extends Target {
  readonly namespace: string;
  readonly name: string;
}

export const remove: Verb = {
  name: 'delete',
  manual: `kubectl delete <kind> <name…> | <kind> --all | <kind> -l selector | -f <file>   [-n namespace]
Removes objects. A pod of a deployment comes back as a new one.`,
  run: async (args, io, context) => {
    const flags = readFlags(args, {
      ...commonFlags,
      all: { type: 'boolean' },
      'ignore-not-found': { type: 'boolean' },
      wait: { type: 'boolean' },
      force: { type: 'boolean' },
      'grace-period': { type: 'string' },
    });
    const namespace = namespaceOf(flags);
    const targets: Named[] = [];
    if (flags.all('filename').length > 0) {
      for (const file of await readManifests(flags.all('filename'), io, context)) {
        for (const object of plainObjects(file.text)) {
          const kind = context.sandbox.store.kinds.forObject(object.apiVersion, object.kind);
          if (kind) targets.push({ kind, name: object.name, namespace: object.namespace ?? namespace });
        }
      }
    } else {
      for (const { kind, name } of readTargets(context, flags.words)) {
        const selector = flags.text('selector');
        if (name === undefined && !flags.on('all') && selector === undefined) {
          throw new UsageError('error: resource(s) were provided, but no name was specified');
        }
        const found = name
          ? [name]
          : context.sandbox.store
              .list(storeKind(context, kind), {
                ...(kind.namespaced ? { namespace } : {}),
                ...(selector ? { labelSelector: selector } : {}),
              })
              .map((object) => object.metadata.name);
        targets.push(...found.map((each) => ({ kind, name: each, namespace })));
      }
    }
    let code = 0;
    for (const { kind, name, namespace: at } of targets) {
      try {
        getObject(context, kind, at, name);
        const changeId = context.sandbox.remove(storeKind(context, kind), {
          namespace: kind.namespaced ? at : '',
          name,
        });
        context.changed(changeId, `kubectl delete ${kind.singular} ${name}`);
        io.out(`${kind.singular}${kind.group ? `.${kind.group}` : ''} "${name}" deleted\n`);
      } catch (error) {
        if (flags.on('ignore-not-found')) continue;
        io.err(`${error instanceof Error ? error.message : String(error)}\n`);
        code = 1;
      }
    }
    if (targets.length === 0) io.out('No resources found\n');
    return code;
  },
  complete: completeTargets,
};

/** Names only; what cannot be read as an object is left out. */
function plainObjects(
  text: string,
): { apiVersion: string; kind: string; name: string; namespace: string | undefined }[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors.length > 0) throw new UsageError(`error: error parsing: ${document.errors[0]?.message}`);
    const object = document.toJS({ maxAliasCount: 20 }) as {
      apiVersion?: string;
      kind?: string;
      metadata?: { name?: string; namespace?: string };
    } | null;
    if (!object?.apiVersion || !object.kind || !object.metadata?.name) return [];
    return [
      {
        apiVersion: object.apiVersion,
        kind: object.kind,
        name: object.metadata.name,
        namespace: object.metadata.namespace,
      },
    ];
  });
}
