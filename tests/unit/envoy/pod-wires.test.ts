import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProxyNetwork } from '#data-plane';
import { PodWires } from '../../../server/envoy/pod-wires.ts';
import { writeProxyHeader } from '../../../server/envoy/proxy-protocol.ts';

const POD_IP = '127.0.0.1';
const opened: PodWires[] = [];

afterEach(() => {
  for (const wires of opened.splice(0)) wires.close();
});

async function wiresOf(network: Partial<ProxyNetwork>): Promise<PodWires> {
  const wires = new PodWires({ podIp: POD_IP, ports: [], network: network as ProxyNetwork });
  opened.push(wires);
  await wires.open();
  return wires;
}

describe('the wires of a pod with a real Envoy', () => {
  it('reset what leads nowhere, and serve on', async () => {
    const asked: string[] = [];
    const wires = await wiresOf({
      connect: ({ ip }) => {
        asked.push(ip);
        throw new Error('ENETUNREACH');
      },
    });
    for (const ip of ['192.0.2.1', '192.0.2.2']) {
      const socket = connect({ host: POD_IP, port: wires.passthrough.port });
      socket.write(writeProxyHeader({ ip: POD_IP, port: 40_000 }, { ip, port: 80 }));
      const [error] = await once(socket, 'error').catch((cause: unknown) => [cause]);
      expect(error).toMatchObject({ code: 'ECONNRESET' });
    }
    expect(asked).toEqual(['192.0.2.1', '192.0.2.2']);
  });
});
