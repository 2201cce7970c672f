import { afterAll, beforeAll } from 'vitest';
import type { KubeObject } from '#domain';
import { seededRandom } from '#domain';
import { gatewayKinds, istioKinds } from '#istio';
import {
  type ApiServerOptions,
  coreKinds,
  createApiServer,
  createKindRegistry,
  createKubeStore,
  type KubeStore,
} from '#kube-api';
import { systemClock } from '../../../../server/system.ts';

/** A server over plain HTTP for the tests of one file. */
export interface HttpServer {
  readonly store: KubeStore;
  readonly url: string;
  /** Sends JSON and reads JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Sends any bytes. */
  send(
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // The shape depends on the call; tests compare it.
  readonly body: KubeObject & Record<string, unknown> & { items: KubeObject[]; message: string; reason: string };
}

export const realClock = systemClock();

/** Starts a server before the tests of the file and stops it after them. */
export function startServer(options: Partial<ApiServerOptions> & { readonly maxObjects?: number } = {}): HttpServer {
  const kinds = createKindRegistry([...coreKinds, ...istioKinds, ...gatewayKinds]);
  const { maxObjects = 20_000, ...more } = options;
  const store = createKubeStore({ kinds, clock: realClock, random: seededRandom('http'), maxObjects });
  const server = createApiServer({ store, clock: realClock, ...more });
  let base = '';
  beforeAll(async () => {
    base = (await server.listen({ host: '127.0.0.1', port: 0 })).url;
  });
  afterAll(() => server.stop());
  const send: HttpServer['send'] = async (method, path, body, headers = {}) => {
    const sendsNothing = method === 'GET' || body.length === 0;
    const response = await fetch(base + path, { method, headers, ...(sendsNothing ? {} : { body }) });
    const text = await response.text();
    const json = response.headers.get('content-type')?.startsWith('application/json') === true;
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : { message: text } };
  };
  return {
    store,
    get url() {
      return base;
    },
    send,
    call: (method, path, body, headers = {}) =>
      send(method, path, body === undefined ? '' : JSON.stringify(body), {
        'content-type': 'application/json',
        ...headers,
      }),
  };
}

/** Lines of a watch as they come. */
export async function* watchLines(
  url: string,
  signal: AbortSignal,
): AsyncGenerator<{ type: string; object: KubeObject }> {
  const response = await fetch(url, { signal });
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    rest += decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line);
  }
}

/** The first `count` events of a watch; what happens meanwhile is started by `act` once the watch is open. */
export async function watchEvents(url: string, count: number, act: () => Promise<unknown> | unknown = () => undefined) {
  const controller = new AbortController();
  const events: { type: string; object: KubeObject }[] = [];
  const lines = watchLines(url, controller.signal);
  const first = lines.next();
  await act();
  for (let line = await first; !line.done && events.length < count; line = await lines.next()) {
    events.push(line.value);
    if (events.length === count) break;
  }
  controller.abort();
  return events;
}
