import type { Params, RequestView, ServerEvent } from '#contract';
import type { ShowView } from '../../course/show.ts';
import { type ShowScript, untilEveryMs, untilTries } from '../../course/show-script.ts';
import { type DockView, type LabClient, sayError, writable } from '../../lab-client/index.ts';

/** A terminal that nobody sees: what prepares is not in the way of what is shown. */
const UNSEEN = 'show-me';
const SEEN = 'one';
const COMMAND_MS = 60_000;

const docks: Partial<Record<ShowView, DockView>> = {
  requests: 'req',
  trace: 'trace',
  log: 'log',
  metrics: 'metrics',
  xds: 'xds',
  certificates: 'certs',
  events: 'events',
  terminal: 'term',
};

/** Whether nobody has changed anything in this lab: its text and its mesh are those of the start. */
export function isFresh({ stores }: LabClient, { start }: ShowScript): boolean {
  const texts = new Map(start.map(({ file, text }) => [file, text]));
  const own = writable(stores.sheets.get());
  const isOfStart = ({ file, text }: { file: string; text: string }): boolean => texts.get(file) === text;
  return (
    stores.pushes.get().length === 0 &&
    // In some labs the text of the start is in force from the beginning.
    stores.applied.get().every(isOfStart) &&
    own.length === texts.size &&
    own.every(isOfStart)
  );
}

/** Does the steps of a show in a fresh lab, then opens its view. Throws an error with words for the learner. */
export async function runShow(client: LabClient, script: ShowScript): Promise<void> {
  const last = script.view === 'terminal' ? script.steps.findLastIndex((step) => 'run' in step) : -1;
  let sent: RequestView | undefined;
  for (const [index, step] of script.steps.entries()) {
    if ('files' in step) await apply(client, step.files);
    else if ('until' in step) await until(client, step.until);
    else if ('send' in step) sent = await send(client, step.send);
    else await run(client, step.run, index === last ? SEEN : UNSEEN);
  }
  await open(client, script, sent);
}

async function apply(client: LabClient, files: readonly { file: string; text: string }[]): Promise<void> {
  for (const { file, text } of files) client.edit(file, text);
  await client.apply();
  const state = client.stores.apply.get();
  if (state.state === 'failed') throw new Error(state.message);
  if (state.state !== 'done' || !state.view.accepted) throw new Error('The mesh did not take the YAML.');
  await inForce(client);
}

/** Until every proxy has answered the last push. The learner's own xDS client (`probe`) may leave it unanswered. */
async function inForce({ stores }: LabClient): Promise<void> {
  for (let readings = 0; readings < untilTries; readings++) {
    const push = stores.pushes.get().at(-1);
    if (push?.proxies.every(({ pod, state }) => state !== 'sent' || pod === 'probe') ?? true) return;
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, untilEveryMs));

async function send(client: LabClient, { times, ...like }: { times: number } & Params<'request.send'>) {
  const sent = await Promise.all(Array.from({ length: times }, () => client.request('request.send', like, 40_000)));
  return sent.at(-1);
}

async function until(client: LabClient, line: string): Promise<void> {
  for (let tries = 0; tries < untilTries; tries++) {
    if ((await run(client, line, UNSEEN)) === 0) return;
    await pause();
  }
  throw new Error('What was to be shown did not come.');
}

/** Runs a line in a terminal of the lab; answers its exit code. */
function run(client: LabClient, line: string, terminal: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const end = (act: () => void): void => {
      clearTimeout(timer);
      client.terminalListeners.delete(hear);
      act();
    };
    const hear = (event: Extract<ServerEvent, { type: 'terminal' | 'terminal-exit' }>): void => {
      if (event.type === 'terminal-exit' && event.terminal === terminal) end(() => resolve(event.exitCode));
    };
    const timer = setTimeout(() => end(() => reject(new Error('A command took too long.'))), COMMAND_MS);
    client.terminalListeners.add(hear);
    if (terminal === SEEN) client.runInTerminal?.(line);
    else
      client
        .request('terminal.run', { terminal, line })
        .catch((error: unknown) => end(() => reject(new Error(sayError(error)))));
  });
}

async function open(client: LabClient, script: ShowScript, sent: RequestView | undefined): Promise<void> {
  const { view, at } = script;
  const dock = docks[view];
  if (sent && view === 'why') {
    const call = script.caller === undefined ? sent : await callOf(client, script.caller, sent);
    await client.explain(call.id, { dock: 'why', panel: 'why' });
    if (at !== undefined) goToStep(at);
  } else if (sent && (view === 'trace' || view === 'certificates')) await client.explain(sent.id);
  if (view === 'map') client.show({ panel: 'map' });
  else if (dock) client.show({ dock, panel: 'dock', ...(at === undefined ? {} : { show: at }) });
}

/** The call of a service further down the same trace; the page hears of it a moment later. */
async function callOf({ stores }: LabClient, caller: string, sent: RequestView): Promise<RequestView> {
  for (let tries = 0; tries < untilTries; tries++) {
    const found = stores.requests.get().find(({ traceId, source }) => traceId === sent.traceId && source === caller);
    if (found) return found;
    await pause();
  }
  return sent;
}

/** Brings a step of the open decision into view: `Filter chain 2` is the second of its name. */
function goToStep(at: string): void {
  const [, name = at, place = '1'] = /^(.*?)(?: (\d+))?$/.exec(at) ?? [];
  requestAnimationFrame(() => {
    const steps = [...document.querySelectorAll('.why-inner .st')].map((step) => ({
      step,
      label: step.querySelector('small')?.textContent,
    }));
    const named = steps.filter(({ label }) => label === name)[Number(place) - 1];
    (steps.find(({ label }) => label === at) ?? named)?.step.scrollIntoView({ block: 'center' });
  });
}
