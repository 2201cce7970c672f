import { FILE_LIMITS, parseManifests, validateDocument } from '#istio';
import { many } from '#shell';
import { formatDiagnostic, readManifests } from '../kubectl/apply.ts';
import { namespaceOf, type Verb } from '../verb.ts';

/** What the API server and Istio's webhook would say of files, without storing anything. */
export const validate: Verb = {
  name: 'validate',
  aliases: ['v'],
  manual: `istioctl validate -f <file | folder | ->… [-n namespace]
Whether the cluster would accept each object, looked at by itself. Exit code 1: one would be refused. Mistakes between objects: istioctl analyze.`,
  flags: { filename: many('f') },
  run: async (flags, io, context) => {
    const namespace = namespaceOf(flags, context);
    const kinds = context.sandbox.store.kinds.all;
    let code = 0;
    for (const file of await readManifests([...flags.all('filename'), ...flags.words], io, context)) {
      const { documents, unreadable } = parseManifests([file], FILE_LIMITS);
      const found = [
        ...unreadable.flatMap(({ diagnostics }) => diagnostics),
        ...documents.flatMap((document) => validateDocument(document, kinds, { namespace })),
      ];
      for (const diagnostic of found) io.err(`${formatDiagnostic(diagnostic)}\n`);
      const refused = found.some(({ severity }) => severity === 'error');
      io.err(refused ? `Error: "${file.file}" is not valid\n` : `"${file.file}" is valid\n`);
      if (refused) code = 1;
    }
    return code;
  },
  complete: (_typed, context) => context.files.list(''),
};
