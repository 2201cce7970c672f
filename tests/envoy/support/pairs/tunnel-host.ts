import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Arrived } from './hosts.ts';

/** Opens a tunnel, unless `x-echo-status` wants it refused, greets with `<host>: ` and returns what comes until the client has said all, or `.`. */
export function serveTunnel(arrived: Arrived, byId: Map<string, Arrived[]>, wire: Duplex): void {
  const steer = (name: string): string | undefined => arrived.headers.find(([each]) => each === name)?.[1];
  const id = steer('user-agent') ?? '';
  byId.set(id, [...(byId.get(id) ?? []), arrived]);
  wire.on('error', () => undefined);
  const wanted = steer('x-echo-status') ?? '200';
  const status = 'respond' in wire && wanted === '101' ? 200 : Number(wanted);
  if ('respond' in wire) (wire as ServerHttp2Stream).respond({ ':status': status, 'x-host': arrived.host });
  else {
    const upgrade = status === 101 ? `connection: upgrade\r\nupgrade: ${steer('upgrade')}\r\n` : '';
    const body = status < 300 ? '' : 'content-length: 0\r\n';
    wire.write(`HTTP/1.1 ${status} Answered\r\nx-host: ${arrived.host}\r\n${upgrade}${body}\r\n`);
  }
  if (status >= 300) {
    wire.end();
    return;
  }
  wire.write(`${arrived.host}: `);
  wire.on('data', (chunk: Buffer) => {
    wire.write(chunk);
    if (chunk.includes('.')) wire.end();
  });
  wire.on('end', () => wire.end());
}
