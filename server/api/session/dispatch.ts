import type { Method, Params, Results } from '#contract';
import { detectWrong, isInForce, nextHint } from '#labs';
import { ApiError } from '../errors.ts';
import { evidenceHandlers } from './evidence/handlers.ts';
import { originsIn } from './evidence/origins.ts';
import { explain } from './explanation.ts';
import { runForecast } from './forecast/forecast.ts';
import { incidentHandlers, lookOf } from './incident/handlers.ts';
import type { LabSession } from './lab-session.ts';
import { leftOutThen } from './left-out.ts';
import { timeTravelHandlers } from './time-travel/handlers.ts';
import { requestView } from './views.ts';

type Handlers = {
  readonly [M in Method]: (session: LabSession, params: Params<M>) => Results[M] | Promise<Results[M]>;
};

const SEND_WAIT_MS = 5000;
/** A line that has run longer is one that follows something. */
const LINE_WAIT_MS = 2000;
/** A hint does not wait longer for proxies: one that does not answer may be what it is about. */
const PUSH_WAIT_MS = 2000;
const KNOWN_REQUESTS = 20_000;

/** What each message of the contract does. One line per method where one line is enough. */
const handlers: Handlers = {
  'lab.open': (session) => session.state(),
  'files.save': (session, { files }) => {
    session.saveFiles(files);
    return {};
  },
  'yaml.validate': (session, { files }) => ({
    diagnostics: [...session.sandbox.validate(files, { namespace: session.lab.spec.namespace })],
  }),
  'yaml.apply': (session, { files }) => {
    session.saveFiles(files);
    return session.applies.apply(files, files.map(({ file }) => file.replace(/\.ya?ml$/, '')).join(', '));
  },
  'yaml.undo': async (session) => {
    const { view, files } = await session.applies.undo();
    if (files && files.length > 0) session.showFiles(files, 'undo');
    else if (files) session.showFiles(session.lab.start, 'undo');
    return view;
  },
  'yaml.reset': (session) => session.reset(),
  'yaml.restore': (session) => {
    const files = session.aside();
    if (!files) throw new ApiError('nothing_to_undo', 'Nothing was put aside.');
    session.showFiles(files, 'restore');
    return { files: session.files() };
  },
  'yaml.solution': (session) => ({ files: [...session.lab.solution] }),
  'request.explain': (session, { request: id }) => {
    const { hops } = session.sandbox;
    const found = hops.requests(KNOWN_REQUESTS).find((request) => request.id === id);
    if (!found) {
      const kept = session.requests.get(id);
      if (!kept) throw new ApiError('unknown_request', 'That request is no longer kept.');
      return kept;
    }
    const view = explain(found, hops.trace(found.traceId), {
      locate: (origin) => session.sandbox.locate(origin),
      leftOut: (hop) => leftOutThen(session.sandbox, session.applies.moments, hop),
    });
    session.requests.add(view);
    return view;
  },
  'request.send': async (session, { traffic, path, headers }) => {
    const id = traffic ?? session.lab.spec.traffic[0]?.id ?? '';
    const { traceId } = await session.traffic.send(id, { ...(path ? { path } : {}), ...(headers ? { headers } : {}) });
    const { hops } = session.sandbox;
    const find = () => hops.requests(KNOWN_REQUESTS).find((request) => request.traceId === traceId);
    await session.sandbox.until(() => find() !== undefined, SEND_WAIT_MS, 'the request is recorded');
    const found = find();
    if (!found) throw new ApiError('unknown_request', 'No proxy saw that request: neither side has one.');
    return requestView(found);
  },
  'traffic.set': (session, { traffic, running, rps }) => {
    if (session.incident) throw new ApiError('users_decide', 'In an incident the users decide what they send.');
    session.traffic.set(traffic, running, rps);
    return { traffic: session.traffic.states() };
  },
  // The lab server answers it itself.
  'stream.ping': () => ({}),
  'terminal.run': (session, { terminal, line }) => {
    session.terminals.run(terminal, line);
    return { accepted: true };
  },
  'terminal.interrupt': (session, { terminal }) => {
    session.terminals.interrupt(terminal);
    return {};
  },
  'terminal.open': (session, { terminal }) => ({ history: session.terminals.history(terminal) }),
  'terminal.close': (session, { terminal }) => {
    session.terminals.close(terminal);
    return {};
  },
  'terminal.complete': (session, { terminal, line, cursor }) => session.terminals.complete(terminal, line, cursor),
  'checks.run': async (session) => {
    // Enter and then Check: what was typed belongs to what is judged.
    await session.terminals.ended(LINE_WAIT_MS);
    return { checks: await session.checks.run() };
  },
  'checks.answer': (session, { check, answer }) => ({ checks: session.checks.answer(check, answer) }),
  'kube.access': async (session) => ({ ...(await session.sandbox.serveApi()) }),
  'hints.next': async (session) => {
    // Apply and then Hint: the hint is about what was applied.
    await isInForce(session.sandbox, PUSH_WAIT_MS);
    const wrong = detectWrong(session.lab.spec, session.probeContext());
    const next = session.checks.next();
    const { seen } = session.checks.views().find(({ id }) => id === next?.id) ?? {};
    const hint = nextHint(next, session.hintsOpened, wrong, seen);
    if (!hint) throw new ApiError('no_more_hints', 'Every check is met.');
    if (!wrong) session.hintsOpened += 1;
    return hint;
  },
  'proxy.dump': (session, { pod, namespace }) => {
    const admin = session.sandbox.pod({ namespace, name: pod })?.proxy?.admin;
    if (!admin) throw new ApiError('unknown_proxy', `The pod ${pod} has no proxy.`);
    const behind = (resources: readonly object[]) =>
      resources.map((resource) => originsIn(resource, (origin) => session.sandbox.locate(origin)));
    const [listeners, routes, clusters] = [[...admin.listeners()], [...admin.routes()], [...admin.clusters()]];
    return {
      pod,
      listeners,
      routes,
      clusters,
      endpoints: [...admin.endpoints()],
      secrets: [...admin.secrets()],
      behind: { listeners: behind(listeners), routes: behind(routes), clusters: behind(clusters) },
    };
  },
  ...evidenceHandlers,
  ...timeTravelHandlers,
  ...incidentHandlers,
  'clock.set': ({ slowMotion }, { rate }) => slowMotion.set(rate),
  'clock.step': ({ slowMotion }, { ms }) => slowMotion.step(ms),
  'clock.inside': ({ slowMotion }) => slowMotion.inside(),
  'blame.next': ({ blame }) => blame.next(),
  'blame.answer': ({ blame }, { number, part }) => blame.answer(number, part),
  'forecast.run': (session, params) => runForecast(params, session),
};

export function dispatch<M extends Method>(session: LabSession, method: M, params: Params<M>): Promise<Results[M]> {
  return Promise.resolve().then(() => {
    const look = session.incident && lookOf(session, method, params);
    if (look !== undefined) session.incident?.looked(look);
    return handlers[method](session, params);
  });
}
