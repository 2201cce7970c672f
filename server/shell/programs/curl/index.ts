import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import { pause } from '#domain';
import type { FetchInit, FetchResponse } from '#workloads';
import { UsageError } from '../../command.ts';
import { type Flags, readCount, readFlags, readSeconds } from '../../flags.ts';
import type { CurlContext } from './context.ts';
import { conversation, headOf, shown } from './conversation.ts';
import { CurlFailure, curlError } from './failure.ts';
import { CURL_FLAGS, CURL_MANUAL, dialect, HELP } from './flags.ts';
import { readSending, type Sending } from './request.ts';
import { asTyped, redirected, urlsOf } from './url.ts';
import { type Transfer, writeOut } from './write-out.ts';

const MAX_REDIRECTS = 50;
const MAX_RETRIES = 20;
const MAX_BODY = 16 * 1_048_576;
/** Answers after which `--retry` tries again. Source: curl's manual. */
const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);
/** Failures after which it does: a name that does not resolve, and a limit of time. */
const TRANSIENT_FAILURES = new Set([6, 28]);
const EXIT_REFUSED = 7;
const VERSION = 'curl 8.5.0 (meshwork)\nProtocols: http https\n';

/** One request of a command. */
interface Request {
  readonly url: string;
  readonly number: number;
  readonly file: string | undefined;
  readonly flags: Flags;
  readonly sending: Sending;
  readonly context: CurlContext;
}

/** Runs curl with a given way to fetch: from outside, or from inside a pod. Exit codes are curl's own: that of the last request. */
export async function runCurl(args: readonly string[], context: CurlContext): Promise<number> {
  const { io } = context;
  const flags = readFlags(args, CURL_FLAGS, dialect);
  if (flags.on('version') || flags.on('help')) {
    io.out(flags.on('version') ? VERSION : `${CURL_MANUAL}\n`);
    return 0;
  }
  const urls = urlsOf(flags);
  if (urls.length === 0) throw new UsageError(`curl: (2) no URL specified\n${HELP}`, 2);
  const sending = await readSending(flags, context);
  const files = flags.all('output');
  let code = 0;
  for (const [number, url] of urls.entries()) {
    const file = files[number] ?? (flags.on('remote-name') ? remoteName(url) : undefined);
    code = await withRetries({ url: withQuery(url, sending.query), number, file, flags, sending, context });
    if (io.signal.aborted) return 130;
  }
  return code;
}

const withQuery = (url: string, query: string): string =>
  query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`;

function remoteName(url: string): string {
  const name = new URL(url).pathname.split('/').at(-1) ?? '';
  if (name === '') throw new UsageError('curl: (23) Remote file name has no length', 23);
  return name;
}

/** `--retry`: waits a second, then twice as long each time, or as long as `--retry-delay` says. */
async function withRetries(request: Request): Promise<number> {
  const { flags, context } = request;
  const retries = readCount(flags.text('retry') ?? '0');
  if (retries === undefined)
    throw new UsageError(`curl: option --retry: expected a proper numerical parameter\n${HELP}`, 2);
  const delayMs = readSeconds(flags.text('retry-delay') ?? '0') ?? 0;
  const quiet = flags.on('silent');
  for (let left = Math.min(retries, MAX_RETRIES), waitMs = delayMs || 1000; ; left--, waitMs = delayMs || waitMs * 2) {
    const { code, status } = await once(request, left > 0);
    const again =
      TRANSIENT.has(status) ||
      TRANSIENT_FAILURES.has(code) ||
      (code === EXIT_REFUSED && flags.on('retry-connrefused')) ||
      (code !== 0 && flags.on('retry-all-errors'));
    if (left <= 0 || !again || context.io.signal.aborted) return code;
    if (!quiet)
      context.io.err(
        `Warning: Problem: ${problemOf(code, status)}. Will retry in ${waitMs / 1000} second${waitMs === 1000 ? '' : 's'}. ${left} ${left === 1 ? 'retry' : 'retries'} left.\n`,
      );
    await pause({ clock: context.clock, signal: context.io.signal }, waitMs);
  }
}

function problemOf(code: number, status: number): string {
  if (TRANSIENT.has(status)) return 'HTTP error';
  if (TRANSIENT_FAILURES.has(code)) return 'timeout';
  return code === EXIT_REFUSED ? 'connection refused' : '(retrying all errors)';
}

/** Sends once. `isRetried`: an answer that will be asked for again is not shown by -w. */
async function once(request: Request, isRetried: boolean): Promise<{ code: number; status: number }> {
  const { flags, context, sending, url, number, file = '' } = request;
  const { io } = context;
  const format = flags.text('write-out');
  const startedMs = context.clock.monotonic();
  const uploaded = Buffer.byteLength(sending.init.body ?? '');
  const tell = ({ lastStartedMs, ...of }: Progress & Pick<Transfer, 'exitCode' | 'error'>): void => {
    const seconds = (context.clock.monotonic() - startedMs) / 1000;
    const redirectSeconds = (lastStartedMs - startedMs) / 1000;
    const method = sending.init.method ?? 'GET';
    if (format !== undefined)
      io.out(writeOut(format, { ...of, method, seconds, redirectSeconds, uploaded, number, file }, io.err));
  };
  const loud = !flags.on('silent') || flags.on('show-error');
  const progress: Progress = { url, response: undefined, redirects: 0, headBytes: 0, lastStartedMs: startedMs };
  try {
    const response = await send(request, progress);
    const refused = (flags.on('fail') || flags.on('fail-with-body')) && response.status >= 400;
    const code = refused ? 22 : 0;
    const error = refused ? `The requested URL returned error: ${response.status}` : '';
    if (refused && loud) io.err(`curl: (22) ${error}\n`);
    if (!(isRetried && TRANSIENT.has(response.status))) tell({ ...progress, exitCode: code, error });
    return { code, status: response.status };
  } catch (error) {
    if (io.signal.aborted) return { code: 130, status: 0 };
    if (error instanceof UsageError) throw error;
    const { code, text } = curlError(error, progress.url, { ...sending.init, ...proxied(sending, progress.url) });
    if (loud) io.err(`curl: (${code}) ${text}\n`);
    if (!(isRetried && TRANSIENT_FAILURES.has(code))) tell({ ...progress, exitCode: code, error: text });
    return { code, status: 0 };
  }
}

/** How far a transfer came. */
interface Progress {
  url: string;
  response: FetchResponse | undefined;
  redirects: number;
  headBytes: number;
  lastStartedMs: number;
}

/** Sends the request, follows redirects where asked to, and prints each answer. */
async function send(request: Request, progress: Progress): Promise<FetchResponse> {
  const { flags, context } = request;
  const most = readCount(flags.text('max-redirs') ?? String(MAX_REDIRECTS)) ?? MAX_REDIRECTS;
  let init = request.sending.init;
  let heads = '';
  for (;;) {
    progress.lastStartedMs = context.clock.monotonic();
    const asked = { ...addressed(init, progress.url, flags), ...proxied(request.sending, progress.url) };
    const target = redirected(progress.url, asked, flags);
    const response = decoded(await context.fetch(target.url, target.init), flags);
    progress.response = response;
    const { location } = response.headers;
    const follows =
      (flags.on('location') || flags.on('location-trusted')) &&
      response.status >= 300 &&
      response.status < 400 &&
      location !== undefined;
    if (follows && progress.redirects >= Math.min(most, MAX_REDIRECTS))
      throw new CurlFailure(47, `Maximum (${Math.min(most, MAX_REDIRECTS)}) redirects followed`);
    const head = headOf(response);
    heads += head;
    progress.headBytes = Buffer.byteLength(heads);
    if (flags.on('verbose')) {
      const told = conversation(
        { url: progress.url, dialled: target.url, init: asked, response, caFile: flags.text('cacert') },
        request.sending.names,
      );
      context.io.err(told + shown(head, '<'));
    }
    if (!follows) {
      deliver(request, response, { head: flags.on('include') || flags.on('head') ? heads : '' });
      const dump = flags.text('dump-header');
      if (dump === '-') context.io.out(heads);
      else if (dump !== undefined && dump !== '/dev/null') context.save?.(dump, heads);
      if (flags.on('verbose'))
        context.io.err(`* Connection #0 to host ${new URL(progress.url).hostname} left intact\n`);
      return response;
    }
    const next = new URL(location, progress.url);
    init = afterRedirect(init, response.status, flags);
    if (next.origin !== new URL(progress.url).origin && !flags.on('location-trusted')) init = withoutSecrets(init);
    progress.url = next.href;
    progress.redirects += 1;
  }
}

/** A POST is asked for again with GET after 301, 302 and 303, as browsers do. */
function afterRedirect(init: FetchInit, status: number, flags: Flags): FetchInit {
  if (init.method !== 'POST' || status > 303 || flags.text('request') !== undefined) return init;
  const { body: _, ...rest } = init;
  const { 'content-type': _type, ...headers } = init.headers ?? {};
  return { ...rest, method: 'GET', headers };
}

/** What was meant for one host is told to no other: curl keeps names and passwords, tokens and cookies from them. */
function withoutSecrets(init: FetchInit): FetchInit {
  const { authorization: _a, cookie: _c, host: _h, ...headers } = init.headers ?? {};
  return { ...init, headers };
}

/** With the URL's target and host as they go out. */
function addressed(init: FetchInit, url: string, flags: Flags): FetchInit {
  const { host, target } = asTyped(url, flags.on('path-as-is'));
  const asked = flags.text('request-target') ?? target;
  return {
    ...init,
    ...(asked !== undefined && { target: asked }),
    ...(host !== undefined && { headers: { host, ...init.headers } }),
  };
}

function proxied(sending: Sending, url: string): Pick<FetchInit, 'proxy'> {
  const proxy = sending.proxy(new URL(url).hostname);
  return proxy === undefined ? {} : { proxy };
}

/** `--compressed`: the body as it was before the server packed it. */
function decoded(response: FetchResponse, flags: Flags): FetchResponse {
  if (!flags.on('compressed') || response.body.length === 0) return response;
  const limit = { maxOutputLength: MAX_BODY };
  const unpack = { gzip: gunzipSync, deflate: inflateSync, br: brotliDecompressSync, zstd: zstdDecompressSync };
  const encoding = response.headers['content-encoding'] ?? '';
  if (!Object.hasOwn(unpack, encoding)) return response;
  try {
    return { ...response, body: unpack[encoding as keyof typeof unpack](response.body, limit) };
  } catch (error) {
    throw new CurlFailure(23, `Failed to decode the body: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Prints or saves the answer. */
function deliver(
  { flags, file, context }: Request,
  response: FetchResponse,
  { head }: { readonly head: string },
): void {
  const body = flags.on('head') || (flags.on('fail') && response.status >= 400) ? '' : response.body.toString('utf8');
  if (file === undefined || file === '-') context.io.out(head + body);
  else if (file !== '/dev/null') context.save?.(file, head + body);
}
