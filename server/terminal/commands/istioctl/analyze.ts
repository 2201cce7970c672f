import type { Diagnostic } from '#domain';
import { analyze as analyzeDocuments, FILE_LIMITS, istioVersion, parseManifests } from '#istio';
import { many, onOff, value } from '#shell';
import { type ShellContext, UsageError } from '../../command.ts';
import { formatDiagnostic, readManifests } from '../kubectl/apply.ts';
import { toYaml } from '../kubectl/output.ts';
import { namespaceOf, type Verb } from '../verb.ts';

/** istioctl's exit code when analysis finds an error. */
const ANALYSIS_FAILED = 79;
const LEVELS: readonly string[] = ['info', 'warning', 'error'];
const RELEASE = istioVersion.split('.').slice(0, 2).join('.');

export const analyze: Verb = {
  name: 'analyze',
  manual: `istioctl analyze [files…] [-n namespace | -A] [--use-kube=false] [-o log|json|yaml] [--output-threshold level] [--failure-threshold level] [-S CODE=Kind name.namespace]
Looks for mistakes in what is stored, together with the files that you name; with --use-kube=false in the files alone. Each finding has a code.`,
  flags: {
    'all-namespaces': onOff('A'),
    'use-kube': onOff('k'),
    output: value('o'),
    'output-threshold': value(),
    'failure-threshold': value(),
    suppress: many('S'),
    recursive: onOff('R'),
    color: onOff(),
    verbose: onOff('v'),
  },
  run: async (flags, io, context) => {
    const namespace = namespaceOf(flags, context);
    const everywhere = flags.on('all-namespaces');
    const output = flags.text('output') ?? 'log';
    if (!['log', 'json', 'yaml'].includes(output))
      throw new UsageError(`Error: ${output} not a valid option for format. See istioctl analyze --help`);
    const withStore = flags.text('use-kube') === undefined || flags.on('use-kube');
    const files = flags.words.length === 0 ? [] : await readManifests(flags.words, io, context);
    const [shownFrom, failsFrom] = [
      rank(flags.text('output-threshold') ?? 'info'),
      rank(flags.text('failure-threshold') ?? 'error'),
    ];
    const suppressed = flags.all('suppress').map(readSuppression);
    const found = withStore ? context.sandbox.validate(files, { namespace }) : inFiles(files, namespace);
    const shown = found
      .filter((each) => everywhere || !withStore || isIn(each, namespace))
      .filter((each) => rank(each.severity) >= shownFrom && !suppressed.some((holds) => holds(each)))
      .sort(bySeverity);
    print(shown, output, io.out);
    const where = placeOf(flags.words, { withStore, everywhere, namespace });
    if (shown.length === 0) io.err(`✔ No validation issues found when analyzing ${where}.\n`);
    if (!shown.some(({ severity }) => rank(severity) >= failsFrom)) return 0;
    io.err(
      `Error: Analyzers found issues when analyzing ${where}.\nSee https://istio.io/v${RELEASE}/docs/reference/config/analysis for more information about causes and resolutions.\n`,
    );
    return ANALYSIS_FAILED;
  },
  complete: (_typed: unknown, context: ShellContext) => context.files.list(''),
};

function rank(level: string): number {
  const place = LEVELS.indexOf(level.toLowerCase());
  if (place < 0) throw new UsageError(`Error: invalid argument "${level}": the levels are Info, Warning and Error`, 64);
  return place;
}

const inFiles = (files: Parameters<typeof parseManifests>[0], namespace: string): Diagnostic[] => {
  const { documents, unreadable } = parseManifests(files, FILE_LIMITS);
  return [...unreadable.flatMap(({ diagnostics }) => diagnostics), ...analyzeDocuments([], documents, { namespace })];
};

/** Whether a finding is about a namespace: its objects, or itself. */
function isIn({ origin }: Diagnostic, namespace: string): boolean {
  if (!origin || origin.namespace === namespace) return true;
  return origin.namespace === '' && (origin.kind !== 'Namespace' || origin.name === namespace);
}

const bySeverity = (a: Diagnostic, b: Diagnostic): number =>
  rank(b.severity) - rank(a.severity) || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);

/** `IST0102=Namespace default`, `IST0103=Pod *.shop`: a star stands for any name. */
function readSuppression(text: string): (diagnostic: Diagnostic) => boolean {
  const [, code, resource = ''] = /^([A-Z]+\d+)=(.+)$/.exec(text) ?? [];
  if (code === undefined)
    throw new UsageError(`Error: ${text} is not a valid suppression value. See istioctl analyze --help`, 64);
  return (diagnostic) => {
    if (diagnostic.code !== code || !diagnostic.origin) return false;
    const { kind, name, namespace } = diagnostic.origin;
    return matchesStars(resource, `${kind} ${name}${namespace === '' ? '' : `.${namespace}`}`);
  };
}

/** Whether the pieces between stars stand in the text, one after the other. */
function matchesStars(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (!text.startsWith(first)) return false;
  if (rest.length === 0) return text === first;
  let at = first.length;
  for (const piece of rest.slice(0, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  const last = rest.at(-1) ?? '';
  return text.length - last.length >= at && text.endsWith(last);
}

function placeOf(
  words: readonly string[],
  { withStore, everywhere, namespace }: { withStore: boolean; everywhere: boolean; namespace: string },
): string {
  if (!withStore) return words.join(', ');
  return everywhere ? 'all namespaces' : `namespace: ${namespace}`;
}

function print(shown: readonly Diagnostic[], output: string, out: (text: string) => void): void {
  if (output === 'log') {
    for (const diagnostic of shown) out(`${formatDiagnostic(diagnostic)}\n`);
    return;
  }
  const whole = shown.map(({ code, severity, message, origin, location }) => ({
    code,
    ...(code.startsWith('IST')
      ? {
          documentationUrl: `https://istio.io/v${RELEASE}/docs/reference/config/analysis/${code.toLowerCase()}/?ref=istioctl-analyze`,
        }
      : {}),
    level: severity[0]!.toUpperCase() + severity.slice(1),
    message,
    ...(origin
      ? { origin: `${origin.kind} ${origin.namespace === '' ? '' : `${origin.namespace}/`}${origin.name}` }
      : {}),
    ...(location ? { reference: `${location.file}:${location.line}` } : {}),
  }));
  out(output === 'json' ? `${JSON.stringify(whole, null, '\t')}\n` : toYaml(whole));
}
