import type { IncomingMessage, ServerResponse } from 'node:http';
import { pause } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type ServerTls, serveWeb } from '../net/web-server.ts';
import { type Answer, answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { type Trouble, troubleOf } from './trouble.ts';
import { askUpstream, copiedHeaders, signature, timeoutOf, type UpstreamAnswer, upstreams } from './upstreams.ts';
import { type Workers, workersOf } from './workers.ts';

/**
 * Any service whose trade does not matter: answers each path with its own name and version, after it has asked every service in UPSTREAMS, by the same method.
 * Environment: PORT (8080), SERVICE_VERSION, UPSTREAMS, TIMEOUT_MS (0: waits for ever), OPTIONAL (names of upstreams whose loss leaves the answer
 * good), the troubles of `troubleOf`, the workers of `workersOf`, and START_AFTER_MS (0), before it listens; TLS_CERT and TLS_KEY, paths of mounted files,
 * make it speak TLS itself, and with TLS_CLIENT_CA only with clients whose certificate comes from that CA.
 */
export const serviceImage: WorkloadImage = {
  name: 'service',
  start: async (context) => {
    const port = envNumber(context, 'PORT', 8080);
    const startAfterMs = envNumber(context, 'START_AFTER_MS', 0);
    if (startAfterMs > 0) await pause(context, startAfterMs);
    const tls = ownTls(context);
    const trouble = troubleOf(context);
    const workers = workersOf(context);
    const tellOne = (request: IncomingMessage): Promise<Answer> => tellInTurn(context, request, { trouble, workers });
    if (tls === undefined) return serve(context, port, tellOne);
    const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      answer(response, await tellOne(request));
    // Without a certificate it does not start at all.
    tls();
    await serveWeb(context, port, (request, response) => void handler(request, response), { tls });
    context.log(`listening on 0.0.0.0:${port} with TLS`);
  },
};

async function tellInTurn(
  context: ContainerContext,
  request: IncomingMessage,
  { trouble, workers }: { readonly trouble: Trouble; readonly workers: Workers },
): Promise<Answer> {
  // Its health is asked beside the work: a program whose workers all wait still says that it is alive.
  if (pathOf(request) === '/health') return json(200, { ...signature(context, 'service'), status: 'healthy' });
  const told = await workers(() => tell(context, request, trouble));
  return told ?? json(503, { ...signature(context, 'service'), error: 'every worker is busy and the queue is full' });
}

async function tell(context: ContainerContext, request: IncomingMessage, trouble: Trouble): Promise<Answer> {
  const who = signature(context, 'service');
  const headers = copiedHeaders(context, request);
  const optional = new Set((context.env['OPTIONAL'] ?? '').split(',').map((name) => name.trim()));
  const method = request.method ?? 'GET';
  const asked = upstreams(context).map((base) =>
    askUpstream(context, base.replace(/\/$/, '') + (request.url ?? '/'), { headers, method, ...timeoutOf(context, 0) }),
  );
  const said = await Promise.all(asked);
  const needed = said.filter(({ url }) => !optional.has(new URL(url).hostname));
  const failure = (await trouble()) ?? needed.find(({ status }) => status === 0 || status >= 500)?.status;
  if (failure !== undefined) return json(failure === 0 ? 502 : failure, { ...who, error: reasonOf(needed) });
  const more = said.length === 0 ? {} : { upstreams: said };
  return json(200, { ...who, path: pathOf(request), ...more }, { 'x-version': who.version });
}

/** What it shows, read afresh from the mounted files; undefined when it is not to speak TLS. */
function ownTls({ env, readFile }: ContainerContext): (() => ServerTls) | undefined {
  const { TLS_CERT: certFile, TLS_KEY: keyFile, TLS_CLIENT_CA: caFile } = env;
  if (!certFile || !keyFile) return undefined;
  const read = (path: string): Buffer => {
    const bytes = readFile(path);
    if (bytes === undefined) throw new Error(`cannot read ${path}`);
    return bytes;
  };
  return () => ({
    cert: read(certFile),
    key: read(keyFile),
    ...(caFile && { clientCa: read(caFile) }),
  });
}

/** What the first upstream without a good answer said, so that its callers' logs tell whose failure it was. */
function reasonOf(said: readonly UpstreamAnswer[]): string {
  const bad = said.find(({ status }) => status === 0 || status >= 500);
  if (bad === undefined) return 'no good answer';
  const own = bad.error ?? (bad.body as { readonly error?: unknown } | null)?.error;
  return `${new URL(bad.url).hostname} ${bad.status === 0 ? 'gave no answer' : `answered ${bad.status}`}${own ? `: ${String(own)}` : ''}`;
}
