import { flushCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createLabSession,
  dispatch,
  type FromSandbox,
  type LabSession,
  type ToSandbox,
  toErrorView,
} from '#api/session';
import type { Method, Params } from '#contract';
import { errorMessage } from '#domain';
import { loadLab } from '#labs';
import { collectOldEarly } from '#sandbox';
import { systemClock } from './system.ts';

// The process that holds one learner's mesh. It talks to the lab server over the fork's channel, and to nobody else but its own pods.

// All code is loaded: what was compiled is kept for the next start, and from here on this process can write nowhere.
flushCompileCache();
process.permission?.drop('fs.write');

const root = dirname(dirname(fileURLToPath(import.meta.url)));
let session: LabSession | undefined;

const send = (message: FromSandbox): void => {
  if (process.connected) process.send?.(message);
};

async function start(message: Extract<ToSandbox, { kind: 'start' }>): Promise<void> {
  const clock = systemClock();
  const beganMs = clock.monotonic();
  session = createLabSession({
    lab: loadLab(root, message.lab),
    subnet: message.subnet,
    clock,
    saved: message.saved,
    keyHosts: message.keyHosts ?? [],
    emit: (event) => send({ kind: 'event', event }),
    onSaved: (saved) => send({ kind: 'saved', saved }),
  });
  await session.start();
  send({ kind: 'started', startMs: clock.monotonic() - beganMs });
  // Not before: V8 keeps compiled code with the flags of that moment, and takes it only where they are the same.
  collectOldEarly();
}

async function stop(): Promise<void> {
  await session?.stop();
  process.exit(0);
}

process.on('message', (message: ToSandbox) => {
  if (message.kind === 'ping') send({ kind: 'pong' });
  else if (message.kind === 'start')
    start(message).catch((error: unknown) => send({ kind: 'failed', message: errorMessage(error) }));
  else if (message.kind === 'stop') stop().catch(() => process.exit(1));
  else if (session) {
    dispatch(session, message.method, message.params as Params<Method>)
      .then((result) => send({ kind: 'answer', id: message.id, result }))
      .catch((error: unknown) => send({ kind: 'failure', id: message.id, error: toErrorView(error) }));
  }
});
// The lab server is gone: nothing is left to serve.
process.on('disconnect', () => process.exit(0));
