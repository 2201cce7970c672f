import { istioVersion } from '#istio';
import { onOff, value } from '#shell';
import { UsageError } from '../../command.ts';
import { toYaml } from '../kubectl/output.ts';
import type { Verb } from '../verb.ts';
import { proxied } from './proxies.ts';

export const version: Verb = {
  name: 'version',
  manual:
    'istioctl version [--remote=false] [-s] [-o json|yaml]   Versions of the client, the control plane and the proxies; -s: without build facts.',
  flags: { output: value('o'), remote: onOff(), short: onOff('s') },
  run: async (flags, io, context) => {
    const output = flags.text('output') ?? '';
    if (!['', 'json', 'yaml'].includes(output)) throw new UsageError("Error: --output must be 'yaml' or 'json'");
    const remote = flags.text('remote') === undefined || flags.on('remote');
    const proxies = proxied(context);
    const hasControlPlane = context.sandbox.controlPlane !== undefined;
    if (output !== '') {
      const whole = {
        clientVersion: { version: istioVersion },
        ...(remote && hasControlPlane
          ? { meshVersion: [{ Component: 'istiod', Info: { version: istioVersion } }] }
          : {}),
        ...(remote && proxies.length > 0
          ? {
              dataPlaneVersion: proxies.map(({ name, namespace }) => ({
                ID: `${name}.${namespace}`,
                IstioVersion: istioVersion,
              })),
            }
          : {}),
      };
      io.out(output === 'json' ? `${JSON.stringify(whole, null, 2)}\n` : toYaml(whole));
      return 0;
    }
    io.out(`client version: ${istioVersion}\n`);
    if (!remote) return 0;
    io.out(
      hasControlPlane
        ? `control plane version: ${istioVersion}\n`
        : 'no running Istio pods in namespace "istio-system"\n',
    );
    io.out(`data plane version: ${proxies.length === 0 ? 'none' : `${istioVersion} (${proxies.length} proxies)`}\n`);
    return 0;
  },
};
