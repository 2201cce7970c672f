import { createServer as createHttp1 } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import type { Socket } from 'node:net';

const HTTP2_PREFACE = 'PRI * HTTP/2.0';
const TLS_HANDSHAKE = 0x16;
const LOOKS_LIKE_HTTP = /^[A-Z]+ \S/;

/** Stands in for every application: it takes any request and answers 200 with an empty body; other bytes it only reads, and TLS it cannot read. */
export function createAnsweringApp(): (socket: Socket) => void {
  const http1 = createHttp1((request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  const http2 = createHttp2((request, response) => {
    request.resume();
    request.on('end', () => {
      const grpc = request.headers['content-type']?.startsWith('application/grpc') === true;
      if (grpc) {
        response.stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        response.stream.on('wantTrailers', () => response.stream.sendTrailers({ 'grpc-status': '0' }));
      }
      response.end();
    });
  });
  return (socket) => {
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const text = first.subarray(0, 32).toString('latin1');
      const server = text.startsWith(HTTP2_PREFACE) ? http2 : LOOKS_LIKE_HTTP.test(text) ? http1 : undefined;
      // An application without TLS cannot read a handshake.
      if (first[0] === TLS_HANDSHAKE) socket.destroy();
      server?.emit('connection', socket);
      if (server !== http2) socket.resume();
    });
    socket.on('end', () => socket.end());
  };
}
