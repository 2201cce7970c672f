import type { IncomingMessage, ServerResponse } from 'node:http';
import { pause } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { goDurationMs } from '../net/go-request.ts';
import { serveWeb } from '../net/web-server.ts';
import { answer, text } from '../respond.ts';

/** The public key that the published image serves. Tokens signed with its private key are in Istio's own repository. */
const KEY_SET = JSON.stringify({
  keys: [
    {
      e: 'AQAB',
      kid: 'tT_w9LRNrY7wJalGsTYSt7rutZi86Gvyc0EKR4CaQAw',
      kty: 'RSA',
      n: [
        'raJ7ZEhMfrBUo2werGKOow9an1B6Ukc6dKY2hNi10eaQe9ehJCjLpmJpePxoqaCi2VYt6gncLfhEV71JDGsodbfYMlaxwWTt6lXBcjlVXHWDXLC45rHV',
        'fi9FjSSXloHqmSStpjv3mrW3R6fx2VeVVP_mrA6ZHtcynq6ecJqO11STvVoeeM3lEsASVSWsUrKltC1Crfo0sI7YG34QjophVTEi8B9gVepAJZV-Bso5',
        'sinRABnxfLUM7DU5c8MO114uvXThgSIuAOM9PbViSC3X6Y9Gsjsy881HGO-EJaUCrwSWnwQW5sp0TktrYL70-M4_ug-X51Yt_PErmncKupx8Hw',
      ].join(''),
    },
  ],
});
/** Longest `?delay=`: a request must end. */
const MAX_DELAY_MS = 60_000;

/** Istio's sample of a key server: a JSON Web Key Set at any path, on -http (8000) and, with -cert and -key, on -https (8443). */
export const jwtServerImage: WorkloadImage = {
  name: 'jwt-server',
  start: async (context) => {
    const flags = flagsOf([...context.command, ...context.args]);
    const port = (name: string, fallback: number): number => Number(flags.get(name) ?? fallback);
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      respond(context, request).then((result) => answer(response, result));
    };
    await serveWeb(context, port('http', 8000), onRequest);
    context.log(`Starting HTTP server at [::]:${port('http', 8000)}`);
    const [cert, key] = ['cert', 'key'].map((name) => context.readFile(flags.get(name) ?? ''));
    if (cert === undefined || key === undefined) return;
    await serveWeb(context, port('https', 8443), onRequest, { tls: () => ({ cert, key }) });
    context.log(`Starting HTTPS server on port :${port('https', 8443)}`);
  },
};

/** Go's flags: `-name value`, `--name=value`. */
function flagsOf(words: readonly string[]): ReadonlyMap<string, string> {
  const flags = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    const [, name, value] = /^--?(\w+)(?:=(.*))?$/.exec(word) ?? [];
    if (name !== undefined) flags.set(name, value ?? words[index + 1] ?? '');
  }
  return flags;
}

async function respond(context: ContainerContext, request: IncomingMessage): Promise<ReturnType<typeof text>> {
  request.resume();
  const wish = new URL(request.url ?? '/', 'http://jwt-server').searchParams.get('delay') ?? '';
  const delayMs = wish === '' ? 0 : goDurationMs(wish);
  if (delayMs === undefined) return text(400, 'Invalid delay parameter');
  await pause(context, Math.min(delayMs, MAX_DELAY_MS));
  return text(200, KEY_SET);
}
