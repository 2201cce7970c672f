import type { Clock } from '#domain';
import type { ContainerContext } from '../doors.ts';
import type { Exchange } from './route.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (value: number): string => String(value).padStart(2, '0');

/** Whether the command asks for a line for each request: `gunicorn --access-logfile -`. */
export function logsAccess({ command, args }: ContainerContext): boolean {
  const words = [...command, ...args].flatMap((word) => word.split(/[\s=]+/));
  return words[words.indexOf('--access-logfile') + 1] === '-';
}

/** What gunicorn says when it starts. */
export function gunicornStart(clock: Clock, port: number): string[] {
  const at = new Date(clock.now())
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, ' +0000');
  return [
    `[${at}] [1] [INFO] Starting gunicorn 19.9.0`,
    `[${at}] [1] [INFO] Listening at: http://0.0.0.0:${port} (1)`,
    `[${at}] [1] [INFO] Using worker: gevent`,
    `[${at}] [8] [INFO] Booting worker with pid: 8`,
  ];
}

/** gunicorn's access log, which is the combined log format: `127.0.0.6 - - [07/Mar/2018:19:02:43 +0000] "GET /headers HTTP/1.1" 200 321 "-" "curl/8.5.0"`. */
export function gunicornLine({ request, response }: Exchange, clock: Clock): string {
  const at = new Date(clock.now());
  const day = `${two(at.getUTCDate())}/${MONTHS[at.getUTCMonth()]}/${at.getUTCFullYear()}`;
  const time = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
  const { referer = '-', 'user-agent': agent = '-' } = request.headers;
  const peer = request.socket.remoteAddress ?? '-';
  const bytes = String(response.getHeader('content-length') ?? '-');
  const line = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
  return `${peer} - - [${day}:${time} +0000] "${line}" ${response.statusCode} ${bytes} "${referer}" "${agent}"`;
}
