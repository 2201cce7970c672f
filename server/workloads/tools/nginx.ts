import type { WorkloadImage } from '../doors.ts';
import { serveWeb } from '../net/web-server.ts';
import { answer, html } from '../respond.ts';

const ROOT = '/usr/share/nginx/html';
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html',
  txt: 'text/plain',
  json: 'application/json',
  css: 'text/css',
};

const page = (title: string, body: string): string =>
  `<!DOCTYPE html>\n<html>\n<head>\n<title>${title}</title>\n</head>\n<body>\n${body}\n</body>\n</html>\n`;
const WELCOME = page('Welcome to nginx!', '<h1>Welcome to nginx!</h1>\n<p>The web server works.</p>');
const NOT_FOUND = page('404 Not Found', '<center><h1>404 Not Found</h1></center>\n<hr><center>nginx</center>');

/** A web server with its welcome page, and the files that a volume puts below its document root. */
export const webServerImages: readonly WorkloadImage[] = ['nginx', 'httpd'].map((name) => ({
  name,
  start: async (context) => {
    await serveWeb(context, 80, (request, response) => {
      const { pathname } = new URL(request.url ?? '/', 'http://nginx');
      const path = pathname.endsWith('/') ? `${pathname}index.html` : pathname;
      const file = context.readFile(`${ROOT}${path}`);
      const found = file?.toString('utf8') ?? (path === '/index.html' ? WELCOME : undefined);
      response.setHeader('server', name);
      const type = TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
      answer(response, found === undefined ? html(404, NOT_FOUND) : { status: 200, type, body: found });
      context.log(
        `${request.socket.remoteAddress} - - "${request.method} ${request.url} HTTP/${request.httpVersion}" ${response.statusCode}`,
      );
    });
    context.log('start worker processes');
  },
}));
