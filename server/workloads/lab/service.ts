import type { IncomingMessage } from 'node:http';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type ServerTls, serveWeb } from '../net/web-server.ts';
import { type Answer, answer, json, pathOf } from '../respond.ts';
import { envNumber, serve } from '../serve.ts';
import { signature } from './upstreams.ts';

/**
 * Any service whose trade does not matter: answers each path with its own name and version. Environment: PORT (8080), SERVICE_VERSION;
 * TLS_CERT and TLS_KEY, paths of mounted files, make it speak TLS itself.
 */
export const serviceImage: WorkloadImage = {
  name: 'service',
  start: async (context) => {
    const port = envNumber(context, 'PORT', 8080);
    const tls = ownTls(context);
    if (tls === undefined) return serve(context, port, (request) => tell(context, request));
    await serveWeb(context, port, (request, response) => answer(response, tell(context, request)), { tls });
    context.log(`listening on 0.0.0.0:${port} with TLS`);
  },
};

function tell(context: ContainerContext, request: IncomingMessage): Answer {
  const who = signature(context, 'service');
  return json(200, { ...who, path: pathOf(request) }, { 'x-version': who.version });
}

function ownTls({ env, readFile }: ContainerContext): ServerTls | undefined {
  const { TLS_CERT: certFile, TLS_KEY: keyFile } = env;
  if (!certFile || !keyFile) return undefined;
  const [cert, key] = [readFile(certFile), readFile(keyFile)];
  if (cert === undefined || key === undefined) throw new Error(`cannot read ${certFile} and ${keyFile}`);
  return { cert, key };
}
