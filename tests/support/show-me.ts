import { dispatch } from '#api/session';
import { systemClock } from '../../server/system.ts';
import type { ShowInLab, ShowStep, ShowView } from '../../src/course/show.ts';
import { untilEveryMs, untilTries } from '../../src/course/show-script.ts';
import type { RunningLab } from './lab-runner.ts';

/** A view that moves shows it at the latest after so many readings, `untilEveryMs` apart. */
const READINGS = 25;

/**
 * Does what the lab page does for a term: its steps, then its view. Answers what the view is given, one value a line. Views that the page
 * keeps fresh are read again until `there` says that nothing is missing.
 */
export async function showIn(running: RunningLab, show: ShowInLab, there: (text: string) => boolean): Promise<string> {
  let request = '';
  let output = '';
  for (const step of show.do) {
    const done = await take(running, step);
    request = done.request ?? request;
    output = done.output ?? output;
  }
  for (let readings = 1; ; readings++) {
    const call = show.caller === undefined ? request : await callOf(running, show.caller, request);
    const text = linesOf(await read(running, show.view, { request: call, output }));
    if (there(text) || show.view === 'terminal' || readings === READINGS) return text;
    await pause();
  }
}

async function take(running: RunningLab, step: ShowStep): Promise<{ request?: string; output?: string }> {
  if ('apply' in step) {
    const view = await running.apply(running.lab.folder(step.apply));
    if (!view.accepted) throw new Error(`${step.apply} was refused: ${JSON.stringify(view.diagnostics)}`);
    await inForce(running);
    return {};
  }
  if ('run' in step) return running.type(step.run);
  if ('until' in step) {
    for (let tries = 0; tries < untilTries; tries++) {
      if ((await running.type(step.until)).exitCode === 0) return {};
      await pause();
    }
    throw new Error(`never ended well: ${step.until}`);
  }
  const { times, ...like } = step.send;
  const sent = await Promise.all(Array.from({ length: times }, () => dispatch(running.session, 'request.send', like)));
  const last = sent.at(-1);
  return last ? { request: last.id } : {};
}

/** Until every proxy has answered the last push. The learner's own xDS client may leave it unanswered. */
async function inForce({ session }: RunningLab): Promise<void> {
  for (let readings = 0; readings < READINGS; readings++) {
    const push = session.applies.pushes().at(-1);
    if (push?.proxies.every(({ pod, state }) => state !== 'sent' || pod === 'probe') ?? true) return;
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => systemClock().after(untilEveryMs, resolve));

/** The call of a service further down the trace of a request. */
async function callOf({ session }: RunningLab, caller: string, request: string): Promise<string> {
  const { requests } = await dispatch(session, 'lab.open', { lab: session.lab.spec.id });
  const trace = requests.find(({ id }) => id === request)?.traceId;
  return requests.find(({ traceId, source }) => traceId === trace && source === caller)?.id ?? request;
}

interface Done {
  readonly request: string;
  readonly output: string;
}

async function read({ session }: RunningLab, view: ShowView, { request, output }: Done): Promise<unknown> {
  switch (view) {
    case 'terminal':
      return output;
    case 'why':
    case 'trace':
      return dispatch(session, 'request.explain', { request });
    case 'requests':
      return (await dispatch(session, 'lab.open', { lab: session.lab.spec.id })).requests;
    case 'log':
      return dispatch(session, 'log.read', {});
    case 'metrics':
      return dispatch(session, 'metrics.read', { by: 'edge', seconds: 60 });
    case 'xds':
      return (await dispatch(session, 'lab.open', { lab: session.lab.spec.id })).pushes;
    case 'certificates':
      return request === ''
        ? dispatch(session, 'certificates.read', {})
        : dispatch(session, 'handshakes.read', { request });
    case 'events':
      return dispatch(session, 'events.read', {});
    case 'map':
      return (await dispatch(session, 'lab.open', { lab: session.lab.spec.id })).mesh;
  }
}

/** `key: value`, one line for each value that is no object. */
function linesOf(value: unknown, key = ''): string {
  if (Array.isArray(value)) return value.map((one) => linesOf(one, key)).join('\n');
  if (typeof value !== 'object' || value === null) return key === '' ? String(value) : `${key}: ${String(value)}`;
  return Object.entries(value)
    .map(([name, one]) => linesOf(one, name))
    .join('\n');
}

export function finds(text: string, sees: string): boolean {
  const [, pattern] = /^\/(.*)\/$/.exec(sees) ?? [];
  return pattern === undefined ? text.includes(sees) : new RegExp(pattern, 'm').test(text);
}
