import type { EvidenceResults, Params } from '#contract';
import { ApiError } from '../../errors.ts';
import type { LabSession } from '../lab-session.ts';
import { caughtLines } from './caught-lines.ts';
import { certificatesView } from './certificates.ts';
import { effectOf } from './effect.ts';
import { formatYaml } from './format-yaml.ts';
import { handshakesView } from './handshakes.ts';
import { kubeEventView } from './lab-log.ts';
import { logLineView } from './log-line.ts';
import { pushChanges } from './push-changes.ts';
import { tryRoute } from './route-trial.ts';

type EvidenceHandlers = {
  readonly [M in keyof EvidenceResults]: (
    session: LabSession,
    params: Params<M>,
  ) => EvidenceResults[M] | Promise<EvidenceResults[M]>;
};

/** Events that a page is given, at most. */
const MOST_EVENTS = 500;
/** Lines of access logs that a page is given, at most. */
const MOST_LINES = 200;
const KNOWN_REQUESTS = 20_000;

export const evidenceHandlers: EvidenceHandlers = {
  'metrics.read': ({ evidence, sandbox }, { by, seconds, untilMs }) =>
    evidence.traffic.read({ by, seconds, untilMs: untilMs ?? sandbox.clock.now() }),
  'certificates.read': ({ sandbox }) => certificatesView(sandbox.pods, sandbox.clock.now()),
  'handshakes.read': ({ sandbox }, { request: id }) => {
    const found = sandbox.hops.requests(KNOWN_REQUESTS).find((request) => request.id === id);
    if (found === undefined) throw new ApiError('unknown_request', 'That request is no longer kept.');
    const own = sandbox.hops.trace(found.traceId).filter((hop) => hop.spanId === id || hop.parentSpanId === id);
    return handshakesView(id, own);
  },
  'events.read': ({ evidence, sandbox }) => {
    const events = [...sandbox.store.list('Event').map(kubeEventView), ...evidence.log.list()];
    return { events: events.sort((a, b) => b.atMs - a.atMs || b.id.localeCompare(a.id)).slice(0, MOST_EVENTS) };
  },
  'log.read': ({ sandbox }) => ({ lines: sandbox.hops.logged(MOST_LINES).toReversed().map(logLineView) }),
  'push.changes': ({ applies, evidence, sandbox }, asked) =>
    pushChanges(evidence.ledger, applies.pushes(), { ...asked, locate: (origin) => sandbox.locate(origin) }),
  'lines.caught': ({ applies, sandbox }) =>
    caughtLines(sandbox.hops, applies.pushes().at(-1), (origin) => sandbox.locate(origin)),
  'route.try': ({ lab, sandbox }, call) => tryRoute(sandbox, lab.spec.namespace, call),
  'yaml.preview': ({ lab, sandbox }, { files }) => effectOf(sandbox, lab.spec.namespace, files),
  'yaml.format': (_session, { text }) => ({ text: formatYaml(text) }),
};
