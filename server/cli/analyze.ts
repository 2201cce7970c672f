import { parseArgs } from 'node:util';
import { type Diagnostic, errorMessage } from '#domain';
import {
  type AnalyzeOptions,
  analyze,
  analyzerNames,
  FILE_LIMITS,
  formatFinding,
  istioKinds,
  levelName,
  parseManifests,
  readMeshSettings,
  readRegistryEndpoints,
  type UnreadableDocument,
} from '#istio';
import { coreKinds } from '#kube-api';
import { checkMessage } from '#xds';
import { type CliCommand, type CliIo, type NamedText, readFiles, UsageError } from './command.ts';

/** istioctl's exit code when analysis finds an error. */
const ANALYSIS_FAILED = 79;

const ISTIO_PAGES = 'https://istio.io/latest/docs/reference/config/analysis';

/** One finding, as `--output json` prints it. */
interface Finding {
  readonly code: string;
  readonly level: 'Error' | 'Warning' | 'Info';
  readonly kind: string;
  /** Empty for objects without a namespace, in their document and by `--namespace`. */
  readonly namespace: string;
  readonly name: string;
  /** Field path such as `spec.http[0].route[0].destination.host`; empty for a whole document. */
  readonly path: string;
  /** In its file, from 1; 0 for what stands in no file of manifests. */
  readonly line: number;
  readonly message: string;
  /** Page that explains the code: Istio's own, or a path of this site; empty when there is none. */
  readonly documentation: string;
}

const toFinding = ({ code, severity, origin, location, message, lesson }: Diagnostic): Finding => ({
  code,
  level: levelName(severity),
  kind: origin?.kind ?? '',
  namespace: origin?.namespace ?? '',
  name: origin?.name ?? '',
  path: origin?.path ?? '',
  line: location?.line ?? 0,
  message,
  documentation: code.startsWith('IST') ? `${ISTIO_PAGES}/${code.toLowerCase()}/` : (lesson ?? ''),
});

const knownKinds: ReadonlySet<string> = new Set([...coreKinds, ...istioKinds].map(({ kind }) => kind));

/** Objects of kinds that nobody here reads need no name: an IstioOperator, for example, has none. */
const isOfNoInterest = ({ kind, diagnostics }: UnreadableDocument): boolean =>
  diagnostics.every(({ code }) => code === 'MW0010') && !knownKinds.has(kind);

/** What cannot be read, and what analysis finds in the rest. */
export function analyzeTexts(texts: readonly NamedText[], options: AnalyzeOptions = {}): Diagnostic[] {
  const { documents, unreadable } = parseManifests(texts, FILE_LIMITS);
  const unread = unreadable.filter((each) => !isOfNoInterest(each)).flatMap(({ diagnostics }) => diagnostics);
  return [...unread, ...analyze([], documents, { namespace: '', ...options, schema: { checkMessage } })];
}

/** Reads one settings file, if it is named. Throws UsageError for text that is no YAML. */
async function readSettings<Settings>(
  file: string | undefined,
  io: CliIo,
  read: (text: string) => Settings,
): Promise<Settings | undefined> {
  if (file === undefined) return undefined;
  const [named] = await readFiles([file], io);
  try {
    return read(named?.text ?? '');
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${errorMessage(error)}`);
  }
}

/** Throws UsageError for a name that no analyzer has. */
function knownAnalyzers(names: readonly string[]): ReadonlySet<string> {
  const unknown = names.find((name) => !analyzerNames.includes(name));
  if (unknown !== undefined) throw new UsageError(`there is no analyzer ${unknown}`);
  return new Set(names);
}

function printText(found: readonly Diagnostic[], files: readonly string[], io: CliIo): void {
  for (const each of found) io.out(formatFinding(each));
  if (found.length === 0) io.err(`✔ No validation issues found when analyzing ${files.join(', ')}.`);
}

/** `meshwork analyze`: mistakes between objects, as `istioctl analyze` finds them, and some of our own. */
export const analyzeCommand: CliCommand = {
  name: 'analyze',
  summary: 'Finds mistakes in these files and between their objects, with Istio’s codes. Exit 79: an Error was found.',
  usage:
    'meshwork analyze -f FILE… [--mesh-config FILE] [--mesh-networks FILE] [--namespace NS] [--analyzer NAME]… [--output text|json]',
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        file: { type: 'string', short: 'f', multiple: true },
        'mesh-config': { type: 'string' },
        'mesh-networks': { type: 'string' },
        namespace: { type: 'string', short: 'n' },
        analyzer: { type: 'string', multiple: true },
        output: { type: 'string', short: 'o', default: 'text' },
      },
    });
    const { file: files, namespace, output } = values;
    if (!files?.length) throw new UsageError('name at least one file with -f');
    if (output !== 'text' && output !== 'json') throw new UsageError('--output is text or json');
    const found = analyzeTexts(await readFiles(files, io), {
      ...(namespace === undefined ? {} : { namespace, only: namespace }),
      settings: await readSettings(values['mesh-config'], io, readMeshSettings),
      registryEndpoints: await readSettings(values['mesh-networks'], io, readRegistryEndpoints),
      names: values.analyzer && knownAnalyzers(values.analyzer),
    });
    if (output === 'json') io.out(JSON.stringify(found.map(toFinding), undefined, 2));
    else printText(found, files, io);
    return found.some(({ severity }) => severity === 'error') ? ANALYSIS_FAILED : 0;
  },
};
