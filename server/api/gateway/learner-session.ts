import type { Method, SandboxView, ServerEvent, ServerMessage } from '#contract';
import type { Clock, Random } from '#domain';
import type { LearnerStore } from '#learners';
import type { KeyHost } from '#sandbox/key-host';
import { leaseSubnet, type SubnetLease } from '#sandbox/subnets';
import { ApiError, toErrorView } from '../errors.ts';
import type { FromSandbox, SavedState } from '../protocol.ts';
import { forkSandbox, type SandboxProcess } from './sandbox-process.ts';
import { HEAP_LIMIT_MB } from './v8-flags.ts';

/** One open page: takes messages, bounded by its owner. */
export interface PageConnection {
  send(message: ServerMessage): void;
}

export interface SessionOptions {
  readonly learner: string;
  readonly root: string;
  readonly sandboxProgram: string | undefined;
  readonly keyHosts: readonly KeyHost[];
  readonly clock: Clock;
  readonly random: Random;
  readonly store: LearnerStore;
  readonly onLog: (line: string) => void;
}

/** One learner: the pages that are open, the sandbox behind them, and what must survive that sandbox. */
export interface LearnerSession {
  attach(page: PageConnection): () => void;
  request(page: PageConnection, message: { id: number; method: Method; params: unknown }): void;
  /** Milliseconds (monotonic) since the last page left; undefined while one is open. */
  idleMs(): number | undefined;
  stop(): Promise<void>;
  /** Stops for good: its pages are told why, and none of them can start a mesh in it again. */
  end(reason: string): Promise<void>;
}

interface Waiting {
  readonly page: PageConnection;
  readonly id: number;
}

const MAX_WAITING = 200;
const MAX_QUICK_CRASHES = 3;
const QUICK_CRASH_MS = 10_000;

export function createLearnerSession(options: SessionOptions): LearnerSession {
  const pages = new Set<PageConnection>();
  const waiting = new Map<number, Waiting>();
  let process: SandboxProcess | undefined;
  let lease: SubnetLease | undefined;
  let lab: string | undefined;
  let saved: SavedState | undefined;
  let started: Promise<void> = Promise.resolve();
  let startedAtMs = 0;
  let quickCrashes = 0;
  /** It ended too often: nobody but the learner starts it again. */
  let gaveUp = false;
  let nextCall = 1;
  let seq = 0;
  let keptSince = true;
  let ended = false;
  let leftAtMs: number | undefined = options.clock.monotonic();

  const broadcast = (event: ServerEvent): void => {
    seq += 1;
    const message = { seq, event };
    for (const page of pages) page.send(message);
  };
  const failWaiting = (error: ApiError): void => {
    for (const { page, id } of waiting.values()) page.send({ id, error: toErrorView(error) });
    waiting.clear();
  };

  const startSandbox = async (labId: string): Promise<void> => {
    lease ??= await leaseSubnet(options.random);
    startedAtMs = options.clock.monotonic();
    lab = labId;
    saved = options.store.load(options.learner, labId) ?? undefined;
    await new Promise<void>((resolve, reject) => {
      const forked = forkSandbox({
        root: options.root,
        program: options.sandboxProgram,
        clock: options.clock,
        heapLimitMb: HEAP_LIMIT_MB,
        hungAfterMs: 15_000,
        onMessage: (message) => {
          if (message.kind === 'started') resolve();
          else if (message.kind === 'failed') reject(new ApiError('lab_failed', message.message));
          else onMessage(message);
        },
        onExit: (reason, output) => {
          options.onLog(`${reason}${output === '' ? '' : `\n${output}`}`);
          reject(new ApiError('sandbox_away', reason));
          if (process === forked) onCrash(reason);
        },
      });
      process = forked;
      forked.send({ kind: 'start', lab: labId, subnet: lease?.subnet ?? 0, saved, keyHosts: options.keyHosts });
    });
  };

  const onMessage = (message: FromSandbox): void => {
    if (message.kind === 'event') broadcast(message.event);
    else if (message.kind === 'saved') {
      keep(message.saved);
    } else if (message.kind === 'answer' || message.kind === 'failure') {
      const call = waiting.get(message.id);
      waiting.delete(message.id);
      if (message.kind === 'answer') call?.page.send({ id: call.id, result: message.result });
      else call?.page.send({ id: call.id, error: message.error });
    }
  };

  /** A full disk must not end the lab server: the mesh runs on, and the pages are told what is at stake. */
  const keep = (state: SavedState): void => {
    saved = state;
    try {
      options.store.save(options.learner, state.lab, state);
      keptSince = true;
    } catch (error) {
      options.onLog(`the state of ${state.lab} was not kept: ${String(error)}`);
      if (keptSince)
        broadcast({
          type: 'unkept',
          reason: 'The lab server cannot write to its disk. Your work lasts as long as it runs.',
        });
      keptSince = false;
    }
  };

  const onCrash = (reason: string): void => {
    process = undefined;
    quickCrashes = options.clock.monotonic() - startedAtMs < QUICK_CRASH_MS ? quickCrashes + 1 : 0;
    gaveUp = quickCrashes >= MAX_QUICK_CRASHES || lab === undefined;
    failWaiting(new ApiError(gaveUp ? 'sandbox_stopped' : 'sandbox_away', reason));
    // A state that crashes the mesh again and again is set aside: the lab's own start serves instead, the text is kept.
    if (quickCrashes === MAX_QUICK_CRASHES - 1 && saved) {
      keep({ ...saved, objects: undefined, applied: [], past: undefined });
    }
    const view: SandboxView = {
      status: gaveUp ? 'stopped' : 'crashed',
      steps: [],
      pods: [],
      message: gaveUp
        ? `${reason} It ended ${quickCrashes} times at once. Reload the page to try again.`
        : `${reason} It is starting again with your resources.`,
    };
    broadcast({ type: 'sandbox', sandbox: view });
    if (!gaveUp && lab !== undefined) {
      started = startSandbox(lab);
      started.catch(() => undefined);
    }
  };

  const open = async (labId: string): Promise<void> => {
    await started.catch(() => undefined);
    if (ended) throw new ApiError('sandbox_ended', 'This mesh was ended. Reload the page.');
    if (process && lab === labId) return;
    if (process) {
      broadcast({ type: 'replaced', reason: `Another page opened the lab ${labId}.` });
      await process.stop(2000);
      process = undefined;
    }
    quickCrashes = 0;
    gaveUp = false;
    await startSandbox(labId);
  };

  const forward = (page: PageConnection, message: { id: number; method: Method; params: unknown }): void => {
    if (!process) throw new ApiError(gaveUp ? 'sandbox_stopped' : 'sandbox_away', 'No mesh is running for this page.');
    if (waiting.size >= MAX_WAITING) throw new ApiError('busy', 'Too many requests are open at once.');
    const call = nextCall++;
    waiting.set(call, { page, id: message.id });
    process.send({ kind: 'request', id: call, method: message.method, params: message.params });
  };

  const stop = async (): Promise<void> => {
    await started.catch(() => undefined);
    await process?.stop(3000);
    process = undefined;
    await lease?.release();
    lease = undefined;
  };

  return {
    attach: (page) => {
      pages.add(page);
      leftAtMs = undefined;
      return () => {
        pages.delete(page);
        for (const [call, entry] of waiting) if (entry.page === page) waiting.delete(call);
        if (pages.size === 0) leftAtMs = options.clock.monotonic();
      };
    },
    request: (page, message) => {
      const answerError = (error: unknown): void => page.send({ id: message.id, error: toErrorView(error) });
      try {
        if (message.method === 'stream.ping') return page.send({ id: message.id, result: {} });
        if (message.method !== 'lab.open') return forward(page, message);
        const labId = (message.params as { lab: string }).lab;
        started = open(labId);
        started.then(() => forward(page, message)).catch(answerError);
      } catch (error) {
        answerError(error);
      }
    },
    idleMs: () => (leftAtMs === undefined ? undefined : options.clock.monotonic() - leftAtMs),
    stop,
    end: async (reason) => {
      ended = true;
      broadcast({ type: 'replaced', reason });
      await stop();
    },
  };
}
