import { FORTIO_MANUAL, runFortio } from '#shell';
import type { Command } from '../command.ts';

export const fortio: Command = {
  name: 'fortio',
  summary: 'send load and count the answers',
  manual: FORTIO_MANUAL,
  run: (args, io, context) =>
    runFortio(args, { io, clock: context.clock, fetch: (url, init) => context.sandbox.fetchFromOutside(url, init) }),
  complete: (words) => {
    if (words.length <= 1) return ['load', 'curl'];
    return words.at(-1)?.startsWith('-') ? ['-c', '-qps', '-n', '-t', '-H'] : ['http://$GATEWAY_URL/'];
  },
};
