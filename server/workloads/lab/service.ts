import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type ServerTls, serveWeb } from '../net/web-server.ts';
import { type Answer, answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { type Trouble, troubleOf } from './trouble.ts';
import { askUpstream, carriedHeaders, signature, upstreams } from './upstreams.ts';

/**
 * Any service whose trade does not matter: answers each path with its own name and version, after it has asked every service in UPSTREAMS, by the same method.
 * Environment: PORT (8080), SERVICE_VERSION, UPSTREAMS, and the troubles of `troubleOf`; TLS_CERT and TLS_KEY, paths of mounted files,
 * make it speak TLS itself.
 */
export const serviceImage: WorkloadImage = {
  name: 'service',
  start: async (context) => {
    const port = envNumber(context, 'PORT', 8080);
    const tls = ownTls(context);
    const trouble = troubleOf(context);
    if (tls === undefined) return serve(context, port, (request) => tell(context, request, trouble));
    const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> =>
      answer(response, await tell(context, request, trouble));
    await serveWeb(context, port, (request, response) => void handler(request, response), { tls });
    context.log(`listening on 0.0.0.0:${port} with TLS`);
  },
};

async function tell(context: ContainerContext, request: IncomingMessage, trouble: Trouble): Promise<Answer> {
  const who = signature(context, 'service');
  const headers = carriedHeaders(request);
  const asked = upstreams(context).map((base) =>
    askUpstream(context, base.replace(/\/$/, '') + (request.url ?? '/'), { headers, method: request.method ?? 'GET' }),
  );
  const said = await Promise.all(asked);
  const failure = (await trouble()) ?? said.find(({ status }) => status === 0 || status >= 500)?.status;
  if (failure !== undefined) return json(failure === 0 ? 502 : failure, { ...who, error: 'no good answer' });
  const more = said.length === 0 ? {} : { upstreams: said };
  return json(200, { ...who, path: pathOf(request), ...more }, { 'x-version': who.version });
}

function ownTls({ env, readFile }: ContainerContext): ServerTls | undefined {
  const { TLS_CERT: certFile, TLS_KEY: keyFile } = env;
  if (!certFile || !keyFile) return undefined;
  const [cert, key] = [readFile(certFile), readFile(keyFile)];
  if (cert === undefined || key === undefined) throw new Error(`cannot read ${certFile} and ${keyFile}`);
  return { cert, key };
}
