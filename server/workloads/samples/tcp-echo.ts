import { createInterface } from 'node:readline';
import type { WorkloadImage } from '../doors.ts';

const DEFAULT_PORTS = '9000,9001,9002';

/** Istio's tcp-echo: answers each line with a prefix before it. Arguments: ports separated by commas, the prefix. */
export const tcpEchoImage: WorkloadImage = {
  name: 'tcp-echo-server',
  start: async (context) => {
    const [ports = DEFAULT_PORTS, prefix = 'hello'] = context.args;
    for (const port of ports.split(',').map(Number)) {
      await context.listenTcp(port, (socket) => {
        socket.on('error', () => socket.destroy());
        const lines = createInterface({ input: socket });
        lines.on('line', (line) => {
          context.log(`request: ${line}`);
          socket.write(`${prefix} ${line}\n`);
          context.log(`response: ${prefix} ${line}`);
        });
        lines.on('close', () => socket.end());
      });
      context.log(`listening on [::]:${port}, prefix: ${prefix}`);
    }
  },
};
