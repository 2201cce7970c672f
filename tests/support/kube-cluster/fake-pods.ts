import { createServer as createHttpServer } from 'node:http';
import { createConnection, createServer, type Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { PodAccess, PodStreams } from '#kube-api';

/** Programs that a test pod knows. */
async function run(command: readonly string[], streams: PodStreams): Promise<number> {
  const [program, ...words] = command;
  switch (program) {
    case 'echo':
      streams.stdout.write(`${words.join(' ')}\n`);
      return 0;
    case 'fail':
      streams.stderr.write('it went wrong\n');
      return Number(words[0]);
    case 'cat': {
      streams.stdout.write(streams.stdin ? await text(streams.stdin) : '');
      return 0;
    }
    case 'many': {
      for (let line = 0; line < Number(words[0]); line++) {
        if (!streams.stdout.write(`line ${line}\n`))
          await new Promise((resolve) => streams.stdout.once('drain', resolve));
      }
      return 0;
    }
    default:
      streams.stderr.write(`sh: ${program}: not found\n`);
      return 127;
  }
}

const portOf = (server: Server): number => {
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
};

/** Pods without a node: a log of three lines, a few programs, a TCP port that sends back what it gets with `echo:` before it, and HTTP. */
export async function fakePods(): Promise<{ access: PodAccess; stop(): void }> {
  const echo: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.on('data', (data) => socket.end(`echo:${data.toString()}`));
  });
  await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
  const http = createHttpServer((request, response) => {
    const credentials = request.headers.authorization === undefined ? 'none' : 'some';
    response.end(`${request.method} ${request.url}, credentials: ${credentials}\n`);
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const port = portOf(echo);
  const access: PodAccess = {
    async *logs(pod, options, signal) {
      const lines = ['first', 'second', 'third'].map((line) => `${pod.metadata.name}/${options.container}: ${line}\n`);
      const shown = options.tailLines === undefined ? lines : lines.slice(lines.length - options.tailLines);
      for (const line of shown) yield line;
      if (options.follow && !signal.aborted) yield 'followed\n';
    },
    exec: async (_pod, { command }, streams) => ({ exitCode: await run(command, streams) }),
    attach: async (pod, { container }, streams) => {
      streams.stdout.write(`attached to ${pod.metadata.name}/${container}\n`);
      return { exitCode: 0 };
    },
    portForward: async (_pod, wanted): Promise<Duplex> => {
      if (wanted !== 8080) throw new Error(`dial tcp4 127.0.0.1:${wanted}: connect: connection refused`);
      return createConnection({ host: '127.0.0.1', port });
    },
    connect: async (_pod, wanted): Promise<Duplex> => {
      if (wanted !== 8080) throw new Error(`dial tcp 10.0.0.1:${wanted}: connect: connection refused`);
      return createConnection({ host: '127.0.0.1', port: portOf(http) });
    },
  };
  return {
    access,
    stop: () => {
      echo.close();
      http.closeAllConnections();
      http.close();
    },
  };
}
