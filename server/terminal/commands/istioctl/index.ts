import type { Diagnostic } from '#domain';
import { istioVersion } from '#istio';
import { onOff } from '#shell';
import type { Command } from '../../command.ts';
import { formatDiagnostic, readManifests } from '../kubectl/apply.ts';
import { explainStatus } from '../kubectl/errors.ts';
import { namespaceOf, type Verb } from '../verb.ts';
import { withVerbs } from '../verbs.ts';
import { experimental } from './authz.ts';
import { proxied } from './proxies.ts';
import { proxyConfig } from './proxy-config.ts';
import { proxyStatus } from './proxy-status.ts';

/** istioctl's exit code when analysis finds an error. */
const ANALYSIS_FAILED = 79;
const RANK = { error: 0, warning: 1, info: 2 } as const;

const analyze: Verb = {
  name: 'analyze',
  manual: `istioctl analyze [files…] [-n namespace | -A]
Looks for mistakes in what is stored, together with the files that you name. Each finding has a code.`,
  flags: { 'all-namespaces': onOff('A') },
  run: async (flags, io, context) => {
    const namespace = namespaceOf(flags, context);
    const everywhere = flags.on('all-namespaces');
    const files = flags.words.length === 0 ? [] : await readManifests(flags.words, io, context);
    const where = everywhere ? 'all namespaces' : `namespace: ${namespace}`;
    const shown = context.sandbox
      .validate(files, { namespace })
      .filter(({ origin }) => everywhere || !origin || origin.namespace === '' || origin.namespace === namespace)
      .sort(bySeverity);
    for (const diagnostic of shown) io.out(`${formatDiagnostic(diagnostic)}\n`);
    if (shown.length === 0) {
      io.err(`✔ No validation issues found when analyzing ${where}.\n`);
      return 0;
    }
    if (shown.every(({ severity }) => severity !== 'error')) return 0;
    io.err(`Error: Analyzers found issues when analyzing ${where}.\n`);
    return ANALYSIS_FAILED;
  },
  complete: (_typed, context) => context.files.list(''),
};

const bySeverity = (a: Diagnostic, b: Diagnostic): number =>
  RANK[a.severity] - RANK[b.severity] || (a.code < b.code ? -1 : a.code > b.code ? 1 : 0);

const version: Verb = {
  name: 'version',
  manual: 'istioctl version   Versions of the client, the control plane and the proxies.',
  flags: {},
  run: async (_flags, io, context) => {
    const count = proxied(context).length;
    io.out(`client version: ${istioVersion}\n`);
    io.out(
      context.sandbox.controlPlane
        ? `control plane version: ${istioVersion}\n`
        : 'no running Istio pods in namespace "istio-system"\n',
    );
    io.out(`data plane version: ${count === 0 ? 'none' : `${istioVersion} (${count} proxies)`}\n`);
    return 0;
  },
};

export const istioctl: Command = withVerbs({
  name: 'istioctl',
  summary: 'ask the mesh: proxies, their configuration, mistakes',
  intro: `istioctl speaks with the lab's control plane and proxies. They behave as Istio ${istioVersion} does.`,
  verbs: [proxyStatus, proxyConfig, analyze, experimental, version],
  explain: explainStatus,
});
