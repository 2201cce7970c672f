import { errorMessage } from '#domain';
import type { FetchInit, FetchResponse } from '#workloads';
import { type Command, type CommandIo, UsageError } from '../command.ts';
import { readFlags, readSeconds } from '../flags.ts';

type Fetch = (url: string, init?: FetchInit) => Promise<FetchResponse>;

const MANUAL = `curl [options] <url>
Sends one HTTP request. Here it runs outside the cluster and reaches the ingress gateway; inside a pod:
  kubectl exec deploy/frontend -- curl -s http://reviews:9080/reviews/0
Options: -s quiet · -i head and body · -I head only · -v the conversation · -o file · -w '%{http_code}' · -H 'name: value'
         -X method · -d data · -m seconds · -b cookies · -L follow redirects`;

/** Runs curl with a given way to fetch: from outside, or from inside a pod. Exit codes are curl's own. */
export async function runCurl(args: readonly string[], io: CommandIo & { readonly fetch: Fetch }): Promise<number> {
  const flags = readFlags(args, {
    silent: { type: 'boolean', short: 's' },
    'show-error': { type: 'boolean', short: 'S' },
    include: { type: 'boolean', short: 'i' },
    head: { type: 'boolean', short: 'I' },
    verbose: { type: 'boolean', short: 'v' },
    fail: { type: 'boolean', short: 'f' },
    location: { type: 'boolean', short: 'L' },
    insecure: { type: 'boolean', short: 'k' },
    output: { type: 'string', short: 'o' },
    'write-out': { type: 'string', short: 'w' },
    header: { type: 'string', short: 'H', multiple: true },
    request: { type: 'string', short: 'X' },
    data: { type: 'string', short: 'd', multiple: true },
    'max-time': { type: 'string', short: 'm' },
    'connect-timeout': { type: 'string' },
    cookie: { type: 'string', short: 'b' },
    'user-agent': { type: 'string', short: 'A' },
  });
  const [typed, ...more] = flags.words;
  if (typed === undefined) throw new UsageError('curl: (2) no URL specified');
  if (more.length > 0) throw new UsageError('curl: (2) one URL at a time, please');
  const url = /^[a-z]+:\/\//i.test(typed) ? typed : `http://${typed}`;
  if (!URL.canParse(url)) throw new UsageError(`curl: (3) URL rejected: ${typed}`);
  const data = flags.all('data').join('&');
  const init = requestOf(flags, data, io);
  try {
    const started = performance.now();
    let response = await io.fetch(url, init);
    for (
      let hop = 0;
      flags.on('location') &&
      hop < 5 &&
      response.status >= 300 &&
      response.status < 400 &&
      response.headers['location'];
      hop++
    ) {
      response = await io.fetch(new URL(response.headers['location'], url).href, init);
    }
    const seconds = (performance.now() - started) / 1000;
    print({ flags, io, init, url, response });
    const format = flags.text('write-out');
    if (format !== undefined) io.out(writeOut(format, response, seconds));
    return flags.on('fail') && response.status >= 400 ? 22 : 0;
  } catch (error) {
    const { code, text } = curlError(error, url, init.timeoutMs);
    if (!flags.on('silent') || flags.on('show-error')) io.err(`curl: (${code}) ${text}\n`);
    const format = flags.text('write-out');
    if (format !== undefined) io.out(writeOut(format, undefined, 0));
    return code;
  }
}

type CurlFlags = ReturnType<typeof readFlags>;

function requestOf(flags: CurlFlags, data: string, io: CommandIo): FetchInit {
  const headers: Record<string, string> = { 'user-agent': flags.text('user-agent') ?? 'curl/8.5.0', accept: '*/*' };
  if (data !== '') headers['content-type'] = 'application/x-www-form-urlencoded';
  if (flags.text('cookie')) headers['cookie'] = flags.text('cookie') ?? '';
  for (const line of flags.all('header')) {
    const at = line.indexOf(':');
    if (at <= 0) throw new UsageError(`curl: the header "${line}" needs the form "name: value"`);
    headers[line.slice(0, at).trim().toLowerCase()] = line.slice(at + 1).trim();
  }
  const seconds = flags.text('max-time') ?? flags.text('connect-timeout');
  return {
    method: flags.text('request') ?? (flags.on('head') ? 'HEAD' : data === '' ? 'GET' : 'POST'),
    headers,
    signal: io.signal,
    timeoutMs: (seconds === undefined ? undefined : readSeconds(seconds)) ?? 60_000,
    ...(data === '' ? {} : { body: data }),
  };
}

interface Printed {
  readonly flags: CurlFlags;
  readonly io: CommandIo;
  readonly init: FetchInit;
  readonly url: string;
  readonly response: FetchResponse;
}

function print({ flags, io, init, url, response }: Printed): void {
  const headText = `HTTP/1.1 ${response.status} ${reasonPhrase(response.status)}\n${Object.entries(response.headers)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('')}\n`;
  if (flags.on('verbose')) {
    const target = new URL(url);
    io.err(`> ${init.method} ${target.pathname}${target.search} HTTP/1.1\n> Host: ${target.host}\n`);
    for (const [name, value] of Object.entries(init.headers ?? {})) io.err(`> ${name}: ${value}\n`);
    io.err(`>\n${headText.replace(/^/gm, '< ').replace(/< $/, '')}`);
  }
  if (flags.on('include') || flags.on('head')) io.out(headText);
  if (flags.text('output') === undefined && !flags.on('head')) io.out(response.body.toString('utf8'));
}

/** curl's own number and text for a failure to get an answer at all. */
function curlError(error: unknown, url: string, timeoutMs: number | undefined): { code: number; text: string } {
  const { hostname, port } = new URL(url);
  const code = (error as { code?: string } | null)?.code ?? '';
  const message = errorMessage(error);
  if (error instanceof Error && error.name === 'TimeoutError')
    return { code: 28, text: `Operation timed out after ${timeoutMs} milliseconds with 0 bytes received` };
  if (code === 'ENOTFOUND') return { code: 6, text: `Could not resolve host: ${hostname}` };
  if (code === 'ECONNREFUSED')
    return { code: 7, text: `Failed to connect to ${hostname} port ${port || 80}: Connection refused` };
  if (code === 'ECONNRESET' && /hang up/.test(message)) return { code: 52, text: 'Empty reply from server' };
  if (code === 'ECONNRESET' || code === 'EPIPE') return { code: 56, text: 'Recv failure: Connection reset by peer' };
  return { code: 7, text: message };
}

function writeOut(format: string, response: FetchResponse | undefined, seconds: number): string {
  return format
    .replace(/\\n/g, '\n')
    .replace(/\\t/g, '\t')
    .replace(/%\{([a-z_]+)\}/g, (whole, name: string) => {
      if (name === 'http_code' || name === 'response_code') return String(response?.status ?? 0).padStart(3, '0');
      if (name === 'time_total') return seconds.toFixed(6);
      if (name === 'size_download') return String(response?.body.length ?? 0);
      if (name === 'content_type') return response?.headers['content-type'] ?? '';
      return whole;
    });
}

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  304: 'Not Modified',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  426: 'Upgrade Required',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};
const reasonPhrase = (status: number): string => reasons[status] ?? '';

export const curl: Command = {
  name: 'curl',
  summary: 'send an HTTP request from outside the cluster',
  manual: MANUAL,
  run: (args, io, context) =>
    runCurl(args, { ...io, fetch: (url, init) => context.sandbox.fetchFromOutside(url, init) }),
  complete: () => ['-s', '-i', '-v', '-H', 'http://$GATEWAY_URL/'],
};
