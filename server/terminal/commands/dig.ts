import { type Command, UsageError } from '../command.ts';

/** The terminal stands outside the cluster, where no name of it resolves; the pods' own dig answers there. */
export const dig: Command = {
  name: 'dig',
  summary: 'resolve a name, as seen from outside the cluster',
  manual: `dig [+short] name   This terminal is outside the cluster, so its names do not resolve here.
Ask a pod instead: kubectl exec deploy/<name> -- dig +short <service>`,
  run: async (args, io) => {
    const name = args.find((arg) => !/^[-+@]/.test(arg));
    if (name === undefined) throw new UsageError('usage: dig [+short] name');
    if (args.includes('+short')) return 0;
    io.out(`;; ->>HEADER<<- opcode: QUERY, status: NXDOMAIN\n;; QUESTION SECTION:\n;${name}.\t\tIN\tA\n`);
    io.err('Names of the cluster resolve in its pods only: kubectl exec deploy/<name> -- dig +short <service>\n');
    return 0;
  },
};
