import { createServer, type Server } from 'node:http';
import { type DebugSources, renderDebugPage } from './debug-pages.ts';

/** Serves istiod's pages for people and tools on its monitoring port (15014) and on 8080. */
export function createDebugServer(sources: DebugSources): Server {
  return createServer((request, response) => {
    // istioctl asks for `//version`.
    const url = new URL(`/${(request.url ?? '/').replace(/^\/+/, '')}`, 'http://istiod');
    const page = renderDebugPage(sources, url);
    if (page === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('404 page not found\n');
      return;
    }
    response.writeHead(page.status, { 'content-type': page.type }).end(page.body);
  });
}
