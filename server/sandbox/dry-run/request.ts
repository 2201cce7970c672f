import { request as httpRequest, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Clock, errorMessage } from '#domain';

export interface DryRequest {
  readonly url: URL;
  readonly method: string;
  /** Name and value, in their order; a `host` header replaces the URL's. */
  readonly headers: readonly (readonly [string, string])[];
  /** Then the request has no answer. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** What the client saw: a status, or why there was none. */
export type ClientView =
  | {
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly body: string;
    }
  | { readonly status: 0; readonly error: string };

const BODY_LIMIT = 64 * 1024;

/** Sends one HTTP/1.1 request over a connection of the caller's making; `https:` begins with a handshake that trusts any certificate. */
export function sendRequest(request: DryRequest, dial: () => Socket): Promise<ClientView> {
  const { url, method, headers, timeoutMs, clock } = request;
  return new Promise((resolve) => {
    const plain = dial();
    const socket =
      url.protocol === 'https:'
        ? connectTls({
            socket: plain,
            servername: url.hostname,
            rejectUnauthorized: false,
            ALPNProtocols: ['http/1.1'],
          })
        : plain;
    const call = httpRequest({
      createConnection: () => socket,
      method,
      path: `${url.pathname}${url.search}`,
      headers: {
        host: url.host,
        'user-agent': 'meshwork-explain',
        accept: '*/*',
        ...collect(headers),
        connection: 'close',
      },
    });
    const finish = (view: ClientView): void => {
      timer.cancel();
      plain.destroy();
      resolve(view);
    };
    const fail = (error: unknown): void => finish({ status: 0, error: errorMessage(error) });
    socket.on('error', fail);
    call.on('error', fail);
    const timer = clock.after(timeoutMs, () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.on('response', (response) => {
      read(response).then(
        (body) => finish({ status: response.statusCode ?? 0, headers: response.headers, body }),
        fail,
      );
    });
    call.end();
  });
}

function collect(headers: DryRequest['headers']): Record<string, string | string[]> {
  const collected: Record<string, string | string[]> = {};
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const earlier = collected[key];
    collected[key] = earlier === undefined ? value : [earlier, value].flat();
  }
  return collected;
}

async function read(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response) if (body.length < BODY_LIMIT) body += String(chunk);
  return body;
}
