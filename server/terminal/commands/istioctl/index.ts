import type { Command } from '../../command.ts';
import { readFlags } from '../../flags.ts';
import { formatDiagnostic, readManifests } from '../kubectl/apply.ts';
import { commonFlags, namespaceOf } from '../kubectl/targets.ts';
import type { Verb } from '../kubectl/verb.ts';
import { withVerbs } from '../verbs.ts';
import { ISTIO_VERSION } from './proxies.ts';
import { proxyConfig } from './proxy-config.ts';
import { proxyStatus } from './proxy-status.ts';

/** istioctl's exit code when analysis finds an error. */
const ANALYSIS_FAILED = 79;

const analyze: Verb = {
  name: 'analyze',
  manual: `istioctl analyze [files…] [-n namespace | -A]
Looks for mistakes in what is stored, together with the files that you name. Each finding has a code.`,
  run: async (args, io, context) => {
    const flags = readFlags(args, commonFlags);
    const namespace = namespaceOf(flags);
    const files = flags.words.length === 0 ? [] : await readManifests(flags.words, io, context);
    const found = context.sandbox.validate(files, { namespace });
    const shown = flags.on('all-namespaces')
      ? found
      : found.filter(({ origin }) => !origin || origin.namespace === '' || origin.namespace === namespace);
    for (const diagnostic of shown) io.out(`${formatDiagnostic(diagnostic)}\n`);
    if (shown.length === 0) {
      io.out(
        `✔ No validation issues found when analyzing ${flags.on('all-namespaces') ? 'all namespaces' : `namespace: ${namespace}`}.\n`,
      );
    }
    return shown.some(({ severity }) => severity === 'error') ? ANALYSIS_FAILED : 0;
  },
  complete: (_words, context) => context.files.list(''),
};

const version: Verb = {
  name: 'version',
  manual: 'istioctl version   Versions of the client, the control plane and the proxies.',
  run: async (_args, io, context) => {
    const proxies = context.sandbox.pods.filter((pod) => pod.proxy).length;
    io.out(`client version: ${ISTIO_VERSION}\n`);
    io.out(
      context.sandbox.controlPlane
        ? `control plane version: ${ISTIO_VERSION}\n`
        : 'no running Istio pods in namespace "istio-system"\n',
    );
    io.out(`data plane version: ${ISTIO_VERSION} (${proxies} proxies)\n`);
    return 0;
  },
};

export const istioctl: Command = withVerbs({
  name: 'istioctl',
  summary: 'ask the mesh: proxies, their configuration, mistakes',
  intro: `istioctl speaks with the lab's control plane and proxies. They behave as Istio ${ISTIO_VERSION} does.`,
  verbs: [proxyStatus, proxyConfig, analyze, version],
});
