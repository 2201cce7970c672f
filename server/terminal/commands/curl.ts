import { CURL_FLAGS, CURL_MANUAL, runCurl } from '#shell';
import type { Command } from '../command.ts';

/** curl's exit code for a name that does not resolve. */
const UNKNOWN_HOST = 6;

export const curl: Command = {
  name: 'curl',
  summary: 'send an HTTP request from outside the cluster',
  manual: CURL_MANUAL,
  run: async (args, io, context) => {
    let told = false;
    const err = (text: string): void => {
      told = true;
      io.err(text);
    };
    const code = await runCurl(args, {
      io: { ...io, err },
      clock: context.clock,
      fetch: (url, init) => context.sandbox.fetchFromOutside(url, init),
      read: (path) => context.files.read(path),
      save: (path, text) => context.files.write(path, text),
    });
    if (code === UNKNOWN_HOST && told)
      io.err('Names of the cluster resolve in its pods only: kubectl exec deploy/<name> -- curl -s http://<service>\n');
    return code;
  },
  complete: (words) =>
    words.at(-1)?.startsWith('-') ? Object.keys(CURL_FLAGS).map((name) => `--${name}`) : ['http://$GATEWAY_URL/'],
};
