import type { FileView, LabState, SandboxView } from '#contract';
import { type Clock, errorMessage, seededRandom } from '#domain';
import {
  type Checks,
  createChecks,
  createTraffic,
  type Incident,
  type Lab,
  type ProbeContext,
  type Traffic,
} from '#labs';
import { createSandbox, type ManifestFile, type Sandbox, type SandboxEvent, type SandboxOptions } from '#sandbox';
import type { KeyHost } from '#sandbox/key-host';
import { HandClient } from '#xds';
import type { SavedState } from '../protocol.ts';
import { type Applies, createApplies } from './applies.ts';
import { type Blame, createBlame } from './blame/blame.ts';
import { createDeskFiles } from './desk-files.ts';
import { createEvidence, type Evidence } from './evidence/evidence.ts';
import { type Feeds, startFeeds } from './feeds.ts';
import { createIncidentRoom, pushOf } from './incident/incident-room.ts';
import { createKeptRequests, type KeptRequests } from './kept-requests.ts';
import { createLabTerminals } from './lab-terminals.ts';
import { firstAnswer, ruleVersions } from './mesh-start.ts';
import { createThrottle, type Emit } from './ports.ts';
import { createLabClock } from './slow-motion/lab-clock.ts';
import { createSlowMotion, type SlowMotion } from './slow-motion/slow-motion.ts';
import type { Terminals } from './terminals.ts';
import { keepPast, recallPast } from './time-travel/kept-past.ts';
import type { Moment } from './time-travel/moments.ts';
import { createTimeTravel, type TimeTravel } from './time-travel/time-travel.ts';
import { meshView, podViews, requestView } from './views.ts';

export interface LabSessionOptions {
  readonly lab: Lab;
  readonly subnet: number;
  readonly clock: Clock;
  readonly saved: SavedState | undefined;
  /** Hosts outside of the mesh from which istiod may fetch keys; absent: none. */
  readonly keyHosts?: readonly KeyHost[];
  /** Absent: all proxies are our own. */
  readonly proxyFor?: SandboxOptions['proxyFor'];
  readonly emit: Emit;
  readonly onSaved: (saved: SavedState) => void;
}

/** A learner's lab inside its sandbox process: the mesh, the editor's files, checks, traffic, terminals. */
export interface LabSession {
  readonly sandbox: Sandbox;
  readonly applies: Applies;
  readonly checks: Checks;
  readonly traffic: Traffic;
  readonly terminals: Terminals;
  readonly lab: Lab;
  /** What the views of metrics, events and certificates read. */
  readonly evidence: Evidence;
  readonly timeTravel: TimeTravel;
  /** Requests whose decisions were opened. */
  readonly requests: KeptRequests;
  readonly slowMotion: SlowMotion;
  readonly blame: Blame;
  /** The drill, in a lab that is an incident. */
  readonly incident: Incident | undefined;
  probeContext(): ProbeContext;
  state(): LabState;
  files(): FileView[];
  /** Takes the editor's text; nothing is applied. */
  saveFiles(files: readonly ManifestFile[]): void;
  /** Replaces the editor's files and tells the pages. */
  showFiles(files: readonly ManifestFile[], reason: FilesReason): void;
  hintsOpened: number;
  start(): Promise<void>;
  /** Back to the lab's start: a new mesh, the start files. */
  reset(): Promise<LabState>;
  /** The files that the last reset put aside. */
  aside(): readonly ManifestFile[] | undefined;
  stop(): Promise<void>;
}

type FilesReason = 'undo' | 'reset' | 'restore' | 'terminal';

const REQUESTS_SHOWN = 200;
const SAVE_EVERY_MS = 200;
const OBSERVE_EVERY_MS = 50;
const PODS_EVERY_MS = 50;

export function createLabSession(options: LabSessionOptions): LabSession {
  const { lab, clock } = options;
  const emit: Emit = (event) => {
    timeTravel.hear(event);
    options.emit(event);
  };
  // A drill begins with its mesh: half of one cannot be gone on with.
  let saved = lab.spec.incident ? undefined : options.saved;
  let sandbox: Sandbox;
  const evidence = createEvidence(clock);
  let forget: (() => void) | undefined;
  let feeds: Feeds | undefined;
  let traffic: Traffic;
  let applies: Applies;
  let incident: Incident | undefined;
  let podsAtStart: ReadonlySet<string> = new Set();
  let pushedVersions = new Map<string, string>();
  let view: SandboxView = { status: 'starting', steps: [], pods: [] };
  // The mesh and its traffic go by the lab's clock; what the pages are sent goes by the machine's.
  const labClock = createLabClock(clock);
  const slowMotion = createSlowMotion({
    clock: labClock,
    sandbox: () => sandbox,
    titleOf: (changeId) => applies.moments.all().findLast((moment) => moment.changeId === changeId)?.title,
  });
  const blame = createBlame({
    lab,
    clock,
    random: seededRandom(`blame/${clock.now()}`),
    sandbox: () => sandbox,
    start: () => applies.moments.all()[0] as Moment,
  });
  const timeTravel = createTimeTravel({
    lab,
    clock,
    emit: options.emit,
    sandbox: () => sandbox,
    applies: () => applies,
    traffic: () => traffic,
    holds: lab.spec.incident === undefined,
    inForce: (files) => desk.inForce(files),
    showFiles: (files) => {
      const restored = desk.restored(files);
      if (restored === undefined) return;
      desk.putAside();
      showFiles(restored, 'restore');
    },
  });

  const hand = new HandClient();

  const desk = createDeskFiles({
    lab,
    text: saved?.files ?? lab.start,
    onShellWrite: () => tellFiles('terminal'),
  });
  // At once: its address is a link now, and must lead there also when the mesh dies next.
  const requests = createKeptRequests(saved?.requests ?? [], () => save.flush());

  const save = createThrottle(clock, SAVE_EVERY_MS, () => {
    options.onSaved({
      lab: lab.spec.id,
      files: desk.editor(),
      applied: applies.applied(),
      objects: applies.journal.objects(),
      met: checks.met(),
      hintsOpened: session.hintsOpened,
      past: keepPast({
        moments: applies.moments.all(),
        pushes: applies.pushes(),
        undoable: applies.undoable(),
        seenAt: timeTravel.seenAt,
      }),
      requests: requests.all(),
    });
  });
  const tellPods = createThrottle(clock, PODS_EVERY_MS, () => {
    view = { ...view, pods: podViews(sandbox) };
    emit({ type: 'sandbox', sandbox: view });
  });
  const observe = createThrottle(clock, OBSERVE_EVERY_MS, () => {
    if (view.status !== 'running') return;
    if (sandbox.controlPlane) pushedVersions = ruleVersions(sandbox);
    checks.observe();
  });

  const probeContext = (): ProbeContext => ({
    sandbox,
    podsAtStart,
    pushedVersions,
    answered: checks.answered(),
    typed: terminals.newest(),
    hand,
  });
  const checks = createChecks({
    specs: lab.spec.checks,
    context: probeContext,
    traffic: () => traffic,
    alreadyMet: saved?.met ?? [],
    setPace: (share) => labClock.setPace(share),
    onChange: (views, newlyMet) => {
      for (const id of newlyMet)
        evidence.note({ reason: 'CheckMet', message: views.find((one) => one.id === id)?.title ?? id });
      emit({ type: 'checks', checks: views, newlyMet });
      if (newlyMet.length > 0) save.poke();
    },
  });

  const onSandboxEvent = (event: SandboxEvent): void => {
    slowMotion.hear(event);
    evidence.heard(event);
    if (event.type === 'step') {
      view = { ...view, steps: [...view.steps, { name: event.name, ms: event.ms }] };
      emit({ type: 'sandbox', sandbox: view });
      return;
    }
    if (event.type === 'object') {
      applies.journal.note(event.change, event.object, event.changeId);
      if (event.object.kind === 'Pod') tellPods.poke();
      // A mesh that does not run yet has nothing that it could not be started from again.
      else if (view.status === 'running') save.poke();
    }
    if (event.type !== 'hop' && event.type !== 'log') observe.poke();
  };

  const makeApplies = (): Applies =>
    createApplies({
      sandbox: () => sandbox,
      namespace: lab.spec.namespace,
      onPush: (push) => {
        evidence.pushed(push);
        emit({ type: 'push', push });
        save.poke();
        incident?.weighed(Math.max(0, ...push.proxies.map(({ bytes }) => bytes)));
      },
      onMoment: (moment) => incident?.pushed(pushOf(moment)),
      // At once: a mesh that dies right after an apply must come back with it.
      onChange: () => save.flush(),
    });

  const startMesh = async (): Promise<void> => {
    const beganMs = clock.monotonic();
    view = { status: 'starting', steps: [], pods: [] };
    emit({ type: 'sandbox', sandbox: view });
    applies = makeApplies();
    const { subnet, keyHosts = [], proxyFor } = options;
    const seed = lab.spec.id;
    sandbox = createSandbox({ subnet, keyHosts, proxyFor, seed, clock: labClock, onEvent: onSandboxEvent });
    forget = evidence.follow(sandbox);
    const objects = saved?.objects;
    const topology = objects
      ? [{ file: 'kept.yaml', text: objects.map((object) => JSON.stringify(object)).join('\n---\n') }]
      : lab.topology;
    await sandbox.start(topology, { ingress: lab.spec.ingress });
    // The learner sees the start's files, not those of the topology that say the same; kept objects are no text that anybody has seen.
    sandbox.placeIn([...lab.topology, ...desk.given], { namespace: 'default' });
    if (saved && saved.applied.length > 0) {
      await applies.restore(saved.applied, saved.objects);
    }
    traffic = createTraffic(lab.spec.traffic, sandbox, (sending, ended) => {
      timeTravel.sent(sending);
      incident?.sent(sending, ended);
    });
    const kept = saved?.past && recallPast(saved.past);
    applies.begin(kept);
    timeTravel.recall(kept?.seen ?? []);
    incident = createIncidentRoom({
      lab,
      clock: labClock,
      emit,
      context: probeContext,
      apply: applyForeign,
      deploy: applies.applyElsewhere,
      send: beginTraffic,
    });
    if (lab.spec.ingress) await firstAnswer(sandbox, lab);
    const startMs = clock.monotonic() - beganMs;
    podsAtStart = new Set(sandbox.pods.map((pod) => pod.name));
    const { ingress } = sandbox;
    view = {
      status: 'running',
      steps: view.steps,
      startMs,
      pods: podViews(sandbox),
      ...(ingress ? { ingressUrl: `http://${ingress.ip}:${ingress.port}` } : {}),
    };
    feeds = startFeeds(sandbox, emit, clock);
    evidence.note({ reason: 'MeshStarted', message: `the mesh runs, after ${Math.round(startMs)} ms` });
    for (const spec of lab.spec.traffic) if (spec.running) traffic.set(spec.id, true);
    emit({ type: 'sandbox', sandbox: view });
    emit({ type: 'traffic', traffic: traffic.states() });
    observe.poke();
    save.poke();
  };

  const beginTraffic = (id: string): void => {
    traffic.set(id, true);
    emit({ type: 'traffic', traffic: traffic.states() });
  };

  /** The editor shows what is in force, as a shared repository would. */
  const applyForeign = (files: readonly ManifestFile[], title: string): void => {
    const named = new Set(files.map(({ file }) => file));
    desk.merge(files);
    applies
      .applyForeign(files, title)
      .catch((error: unknown) => evidence.note({ reason: 'ChangeRefused', message: errorMessage(error) }));
    const applied = desk.inForce([...applies.applied().filter(({ file }) => !named.has(file)), ...files]);
    emit({ type: 'files', files: session.files(), reason: 'others', applied });
  };

  const stopMesh = async (): Promise<void> => {
    incident?.stop();
    feeds?.stop();
    forget?.();
    terminals.stop();
    hand.close();
    traffic?.stop();
    await sandbox?.stop();
  };

  const terminals = createLabTerminals({
    emit,
    clock,
    hand,
    files: desk.shellFiles,
    sandbox: () => sandbox,
    applies: () => applies,
  });

  const tellFiles = (reason: FilesReason): void => {
    emit({ type: 'files', files: desk.views(), reason });
    save.poke();
  };
  const showFiles: LabSession['showFiles'] = (files, reason) => {
    desk.set(files);
    tellFiles(reason);
  };

  const session: LabSession = {
    lab,
    timeTravel,
    slowMotion,
    blame,
    get incident() {
      return incident;
    },
    get sandbox() {
      return sandbox;
    },
    get applies() {
      return applies;
    },
    get traffic() {
      return traffic;
    },
    checks,
    terminals,
    evidence,
    probeContext,
    hintsOpened: saved?.hintsOpened ?? 0,
    files: desk.views,
    saveFiles: (files) => {
      desk.set(files);
      save.flush();
    },
    showFiles,
    aside: desk.aside,
    requests,
    start: startMesh,
    reset: async () => {
      desk.putAside();
      await stopMesh();
      saved = undefined;
      session.hintsOpened = 0;
      checks.reset();
      timeTravel.clear();
      slowMotion.clear();
      requests.clear();
      desk.set(lab.start);
      await startMesh();
      emit({ type: 'files', files: session.files(), reason: 'reset' });
      return session.state();
    },
    stop: async () => {
      save.stop();
      observe.stop();
      tellPods.stop();
      await stopMesh();
    },
    state: () => ({
      files: session.files(),
      applied: desk.inForce(applies.applied()),
      sandbox: view,
      checks: checks.views(),
      traffic: traffic.states(),
      pushes: [...applies.pushes()],
      requests: sandbox.hops.requests(REQUESTS_SHOWN).map(requestView),
      mesh: meshView(sandbox),
      diagnostics: [],
    }),
  };
  return session;
}
