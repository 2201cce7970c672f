import type { IncomingMessage } from 'node:http';
import { errorMessage } from '#domain';
import type { ContainerContext, FetchInit } from '../doors.ts';
import { labHeaders, pickHeaders } from '../forward-headers.ts';
import { envNumber } from '../serve.ts';

/** What came back from one upstream; status 0 when nothing did. */
export interface UpstreamAnswer {
  readonly url: string;
  readonly status: number;
  /** JSON when it was JSON, else text. */
  readonly body: unknown;
  readonly error?: string;
}

/** UPSTREAMS: base URLs, separated by commas. */
export function upstreams(context: ContainerContext): readonly string[] {
  return (context.env['UPSTREAMS'] ?? '')
    .split(',')
    .map((url) => url.trim())
    .filter((url) => url !== '');
}

/** TIMEOUT_MS: how long the program itself waits for an upstream; 0 means for ever. */
export function timeoutOf(context: ContainerContext, fallbackMs: number): { timeoutMs?: number } {
  const timeoutMs = envNumber(context, 'TIMEOUT_MS', fallbackMs);
  return timeoutMs > 0 ? { timeoutMs } : {};
}

/** UPSTREAMS_CA: a mounted PEM file with the CA of upstreams that speak TLS themselves. */
function trustOf({ env, readFile }: ContainerContext): Pick<FetchInit, 'tls'> {
  const ca = env['UPSTREAMS_CA'] ? readFile(env['UPSTREAMS_CA']) : undefined;
  return ca === undefined ? {} : { tls: { ca: ca.toString('utf8') } };
}

/** Headers of the served request that belong on every request made for it. */
export const carriedHeaders = (request: IncomingMessage): Record<string, string> => pickHeaders(request, labHeaders);

/** FORWARD_HEADERS=off: a program that copies nothing of the request it serves to the requests it makes. */
export const copiedHeaders = ({ env }: ContainerContext, request: IncomingMessage): Record<string, string> =>
  env['FORWARD_HEADERS'] === 'off' ? {} : carriedHeaders(request);

export async function askUpstream(
  context: ContainerContext,
  url: string,
  options: {
    readonly headers: Readonly<Record<string, string>>;
    readonly timeoutMs?: number;
    readonly method?: string;
  },
): Promise<UpstreamAnswer> {
  try {
    const { status, body } = await context.fetch(url, { ...options, ...trustOf(context), signal: context.signal });
    return { url, status, body: readable(body.toString('utf8')) };
  } catch (thrown) {
    const error = errorMessage(thrown);
    context.log(`${url}: ${error}`);
    return { url, status: 0, body: null, error };
  }
}

function readable(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    if (cause instanceof SyntaxError) return body;
    throw cause;
  }
}

/** Who answers: every lab service signs its answers with this. */
export function signature(context: ContainerContext, service: string) {
  const { labels, name } = context.pod;
  return {
    service: context.env['SERVICE_NAME'] ?? labels['app'] ?? service,
    version: context.env['SERVICE_VERSION'] ?? labels['version'] ?? 'v1',
    pod: name,
  };
}
