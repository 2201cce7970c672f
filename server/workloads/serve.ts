import type { IncomingMessage } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext } from './doors.ts';
import { type Answer, answer, json } from './respond.ts';

export type Handler = (request: IncomingMessage) => Answer | Promise<Answer>;

/** Serves `handler` on the port, writes one log line per request and turns what it throws into a 500. */
export async function serve(context: ContainerContext, port: number, handler: Handler): Promise<void> {
  await context.listen(port, (request, response) => {
    const startMs = context.clock.monotonic();
    Promise.resolve(handler(request))
      .catch((thrown: unknown) => {
        context.log(`Error: ${request.method} ${request.url}: ${errorMessage(thrown)}`);
        return json(500, { error: errorMessage(thrown) });
      })
      .then((result) => {
        answer(response, result);
        const tookMs = Math.round(context.clock.monotonic() - startMs);
        context.log(`${request.method} ${request.url} ${result.status} ${tookMs}ms`);
      });
  });
  context.log(`listening on 0.0.0.0:${port}`);
}

/** A whole number from the environment, or `fallback` when it is absent or not a number. */
export function envNumber(context: ContainerContext, name: string, fallback: number): number {
  const text = context.strain?.()[name] ?? context.env[name] ?? '';
  const value = Number(text);
  return text !== '' && Number.isFinite(value) ? value : fallback;
}
