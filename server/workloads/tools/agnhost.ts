import type { ContainerContext, WorkloadImage } from '../doors.ts';
import { type hostOf, peerOf } from '../net/go-request.ts';
import { serveWeb } from '../net/web-server.ts';
import { answer, text } from '../respond.ts';

/** Kubernetes' test image in the two forms that examples use: `netexec` and `serve-hostname`; `pause` waits. */
export const agnhostImage: WorkloadImage = {
  name: 'agnhost',
  start: async (context) => {
    const [mode = 'pause', ...args] = [...context.command, ...context.args].filter((word) => word !== '/agnhost');
    const port = portFlag(args, mode === 'netexec' ? 8080 : 9376);
    if (mode === 'netexec')
      await serveWeb(context, port, (request, response) => answer(response, netexec(context, request)));
    else if (mode === 'serve-hostname')
      await serveWeb(context, port, (_request, response) => answer(response, text(200, context.env['HOSTNAME'] ?? '')));
    else if (mode !== 'pause') {
      context.log(`agnhost ${mode} is not here; netexec, serve-hostname and pause are`);
      context.exits(Promise.resolve(1));
      return;
    }
    context.log(mode === 'pause' ? 'Paused' : `Started HTTP server on port ${port}`);
  },
};

function portFlag(args: readonly string[], fallback: number): number {
  const words = args.flatMap((word) => word.split('='));
  const at = words.findIndex((word) => word === '--http-port' || word === '--port');
  return at < 0 ? fallback : Number(words[at + 1]) || fallback;
}

function netexec(context: ContainerContext, request: Parameters<typeof hostOf>[0]) {
  const url = new URL(request.url ?? '/', 'http://agnhost');
  const name = context.env['HOSTNAME'] ?? '';
  switch (url.pathname.toLowerCase()) {
    case '/hostname':
      return text(200, name);
    case '/echo':
      return text(Number(url.searchParams.get('code') ?? 200), url.searchParams.get('msg') ?? '');
    case '/clientip':
      return text(200, `${peerOf(request)}:${request.socket.remotePort}`);
    case '/header':
      return text(200, String(request.headers[(url.searchParams.get('key') ?? '').toLowerCase()] ?? ''));
    case '/healthz':
    case '/':
      return text(200, `NOW: ${new Date(context.clock.now()).toISOString()}`);
    default:
      return text(404, '404 page not found\n');
  }
}
