import type { Clock } from '#domain';
import type { ContainerContext } from '../doors.ts';

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
