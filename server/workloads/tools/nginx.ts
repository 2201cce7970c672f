import type { IncomingMessage, ServerResponse } from 'node:http';
import { MeshworkError } from '#domain';
import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { combinedLine } from '../net/combined-log.ts';
import { peerVerdict } from '../net/tls-alert.ts';
import { type ServerTls, serveWeb, tlsOf } from '../net/web-server.ts';
import { type Answer, answer, html } from '../respond.ts';
import { includesFolder, locationOf, type NginxServer, readNginxServers } from './nginx-config.ts';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  txt: 'text/plain',
  json: 'application/json',
  css: 'text/css',
};
const CONFIG = '/etc/nginx/nginx.conf';
const FOLDER = '/etc/nginx/conf.d/';

const page = (title: string, body: string): string =>
  `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
const WELCOME = page('Welcome to nginx!', '<h1>Welcome to nginx!</h1>\n<p>The web server works.</p>');
const error = (status: number, title: string, heading = title, more = ''): Answer =>
  html(
    status,
    `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${heading}</h1></center>\r\n${more}<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
  );
const unbelieved = (why: string): Answer => error(400, `400 ${why}`, '400 Bad Request', `<center>${why}</center>\r\n`);
const NO_CERTIFICATE = 'No required SSL certificate was sent';
const WRONG_CERTIFICATE = 'The SSL certificate error';

/** nginx as its image brings it: one server on port 80 with the welcome page. */
const STANDARD: NginxServer = {
  listens: [{ port: 80, tls: false }],
  names: ['localhost'],
  root: '/usr/share/nginx/html',
  index: ['index.html'],
  verifiesClients: false,
  locations: [],
};

/**
 * A web server with its welcome page, and the files that a volume puts below its document root. nginx follows the `server` blocks that a
 * volume brings (`/etc/nginx/nginx.conf`, `/etc/nginx/conf.d`): ports, names, roots, locations with `return`, TLS and clients' certificates.
 */
export const webServerImages: readonly WorkloadImage[] = ['nginx', 'httpd'].map((name) => ({
  name,
  start: async (context) => {
    const servers = name === 'nginx' ? configured(context) : [STANDARD];
    const ports = new Set(servers.flatMap(({ listens }) => listens.map(({ port }) => port)));
    for (const port of ports)
      await serve(context, { name, port, servers: servers.filter((each) => listensOn(each, port)) });
    context.log('start worker processes');
  },
}));

const listensOn = ({ listens }: NginxServer, port: number): boolean => listens.some((each) => each.port === port);

function configured(context: ContainerContext): readonly NginxServer[] {
  const main = context.readFile(CONFIG)?.toString('utf8');
  const files = context.listFiles(FOLDER).filter((file) => file.endsWith('.conf'));
  const read = (file: string): NginxServer[] => readNginxServers(context.readFile(file)?.toString('utf8') ?? '', file);
  if (main === undefined && files.length === 0) return [STANDARD];
  const more = main === undefined || includesFolder(main, FOLDER) ? files.flatMap(read) : [];
  return [...(main === undefined ? [] : read(CONFIG)), ...more];
}

interface Port {
  readonly name: string;
  readonly port: number;
  readonly servers: readonly NginxServer[];
}

async function serve(context: ContainerContext, { name, port, servers }: Port): Promise<void> {
  const [standard] = servers;
  if (standard === undefined) return;
  const secured = standard.listens.some((each) => each.port === port && each.tls);
  if (secured) certificateOf(context, standard);
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    const host = (request.headers.host ?? String(request.headers[':authority'] ?? '')).replace(/:\d+$/, '');
    const server = servers.find(({ names }) => names.includes(host)) ?? standard;
    response.setHeader('server', name);
    answer(response, refusal(request, server) ?? pageFor(context, server, request));
    context.log(`${combinedLine(request, response, context.clock)} "${request.headers['x-forwarded-for'] ?? '-'}"`);
  };
  await serveWeb(context, port, handler, secured ? { tls: () => certificateOf(context, standard) } : {});
}

/** nginx takes any client in the handshake, and tells those that it does not believe by an answer. */
function certificateOf(
  context: ContainerContext,
  { certificate, key, clientCa, verifiesClients }: NginxServer,
): ServerTls {
  const read = (path: string | undefined, what: string): Buffer => {
    const found = path === undefined ? undefined : context.readFile(path);
    if (found === undefined)
      throw new MeshworkError(
        'MW9208',
        `nginx: [emerg] cannot load ${what} "${path ?? ''}": No such file or directory`,
      );
    return found;
  };
  return {
    cert: read(certificate, 'certificate'),
    key: read(key, 'certificate key'),
    ...(verifiesClients && { clientCa: read(clientCa, 'client certificate'), judgedByHandler: true }),
  };
}

function refusal(request: IncomingMessage, { verifiesClients }: NginxServer): Answer | undefined {
  const tls = tlsOf(request);
  if (!verifiesClients || tls === undefined) return undefined;
  if (tls.getPeerX509Certificate() === undefined) return unbelieved(NO_CERTIFICATE);
  return peerVerdict(tls) === undefined ? undefined : unbelieved(WRONG_CERTIFICATE);
}

function pageFor(context: ContainerContext, server: NginxServer, request: IncomingMessage): Answer {
  const { pathname } = new URL(request.url ?? '/', 'http://nginx');
  const location = locationOf(server, pathname);
  const returned = server.returns ?? location?.returns;
  if (returned !== undefined) return returnedAnswer(returned);
  const root = location?.root ?? server.root;
  const paths = pathname.endsWith('/') ? server.index.map((each) => `${pathname}${each}`) : [pathname];
  for (const path of paths) {
    const file = context.readFile(`${root}${path}`);
    const found = file?.toString('utf8') ?? (path === '/index.html' && root === STANDARD.root ? WELCOME : undefined);
    if (found === undefined) continue;
    const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
    return { status: 200, type, body: found };
  }
  return error(404, '404 Not Found');
}

/** A redirect has its target where others have their text. */
function returnedAnswer({ status, text }: { readonly status: number; readonly text: string }): Answer {
  if (status >= 300 && status < 400) return { ...error(status, String(status)), headers: { location: text } };
  return text === '' ? error(status, String(status)) : { status, type: 'text/plain', body: text };
}
