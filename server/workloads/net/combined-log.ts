import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#domain';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** The combined log format of web servers: `127.0.0.6 - - [07/Mar/2018:19:02:43 +0000] "GET /headers HTTP/1.1" 200 321 "-" "curl/8.5.0"`. */
export function combinedLine(request: IncomingMessage, response: ServerResponse, clock: Clock): string {
  const at = new Date(clock.now());
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const { referer = '-', 'user-agent': agent = '-' } = request.headers;
  const peer = request.socket.remoteAddress ?? '-';
  const bytes = String(response.getHeader('content-length') ?? '-');
  const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  return `${peer} - - [${day}:${time} +0000] "${line}" ${response.statusCode} ${bytes} "${referer}" "${agent}"`;
}
