import { CURL_FLAGS, CURL_MANUAL, runCurl } from '#shell';
import type { Command } from '../command.ts';

export const curl: Command = {
  name: 'curl',
  summary: 'send an HTTP request from outside the cluster',
  manual: CURL_MANUAL,
  run: (args, io, context) =>
    runCurl(args, {
      io,
      clock: context.clock,
      fetch: (url, init) => context.sandbox.fetchFromOutside(url, init),
      read: (path) => context.files.read(path),
      save: (path, text) => context.files.write(path, text),
    }),
  complete: (words) =>
    words.at(-1)?.startsWith('-') ? Object.keys(CURL_FLAGS).map((name) => `--${name}`) : ['http://$GATEWAY_URL/'],
};
