import type {
  ApplyView,
  BisectView,
  Judge,
  MomentView,
  Params,
  ReplayView,
  ServerEvent,
  TimeLineView,
} from '#contract';
import type { Clock } from '#domain';
import type { Lab, Sending, Traffic } from '#labs';
import type { ManifestFile, Sandbox } from '#sandbox';
import { ApiError } from '../../errors.ts';
import type { Applies } from '../applies.ts';
import type { Emit } from '../ports.ts';
import { createRecorder } from '../recorder.ts';
import { type Bisect, createBisect } from './bisect.ts';
import type { Seen } from './kept-past.ts';
import { changedAfter, differences, type Moment } from './moments.ts';
import { replay } from './replay.ts';

export interface TimeTravelOptions {
  readonly lab: Lab;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly sandbox: () => Sandbox;
  readonly applies: () => Applies;
  readonly traffic: () => Traffic;
  /** In an incident users do not wait for a replay. */
  readonly holds: boolean;
  /** What was in force when these files were the applied ones. */
  readonly inForce: (files: readonly ManifestFile[]) => readonly ManifestFile[];
  /** Puts the files of a restored push into the editor, those of the start where it has none; what was there is put aside. */
  readonly showFiles: (files: readonly ManifestFile[]) => void;
}

/** The lab as it was, made current again, or compared: what the time bar asks for. */
export interface TimeTravel {
  /** Takes every event that is sent to the pages. */
  hear(event: ServerEvent): void;
  /** Takes every request of the lab's traffic. */
  sent(sending: Sending): void;
  moment(params: Params<'time.moment'>): MomentView;
  line(): TimeLineView;
  restore(push: number): Promise<ApplyView>;
  replay(params: { from: number; to: number; requests: number; untilMs?: number | undefined }): Promise<ReplayView>;
  startBisect(params: { good: number; bad: number; judge: Judge; requests: number }): Promise<BisectView>;
  markBisect(verdict: 'good' | 'bad'): Promise<BisectView>;
  /** The map and the list as the pages showed them then, for what is kept of a push. */
  seenAt(atMs: number): Seen;
  /** Takes what an earlier mesh of this lab showed. */
  recall(seen: readonly Seen[]): void;
  clear(): void;
}

const KEPT_SENDINGS = 4000;
const REQUESTS_SHOWN = 200;
const REQUESTS_KEPT = 40;

export function createTimeTravel(options: TimeTravelOptions): TimeTravel {
  const { lab, clock, emit, applies, traffic } = options;
  const recorder = createRecorder(clock);
  let sendings: Sending[] = [];
  let bisect: Bisect | undefined;
  let underWay = false;

  const momentOf = (number: number): Moment => {
    const moment = applies().moments.get(number);
    if (!moment) throw new ApiError('unknown_push', `Push ${number} is no longer kept.`);
    return moment;
  };
  const chosen = (count: number, untilMs = Number.POSITIVE_INFINITY): Sending[] => {
    const found = sendings.filter(({ atMs }) => atMs <= untilMs).slice(-count);
    if (found.length === 0)
      throw new ApiError('no_requests', 'The lab’s traffic has sent nothing yet. Start it, or send one request.');
    return found;
  };
  /** One side mesh at a time; the lab's own traffic stands still meanwhile, because both share this process. */
  const alone = async <Result>(run: () => Promise<Result>): Promise<Result> => {
    if (underWay) throw new ApiError('busy', 'A replay is under way. Wait for its end.');
    underWay = true;
    if (options.holds) traffic().hold();
    try {
      return await run();
    } finally {
      if (options.holds) traffic().release();
      underWay = false;
    }
  };
  const progress =
    (of: 'replay' | 'bisect') =>
    (text: string, done: number, total: number): void =>
      emit({ type: 'progress', of, text, done, total });

  return {
    hear: (event) => recorder.hear(event),
    sent: (sending) => {
      sendings.push(sending);
      if (sendings.length > 2 * KEPT_SENDINGS) sendings = sendings.slice(-KEPT_SENDINGS);
    },
    moment: (params) => {
      const { moments } = applies();
      const moment = 'push' in params ? momentOf(params.push) : moments.at(params.atMs);
      const newest = moments.newest();
      if (!moment || !newest) throw new ApiError('unknown_push', 'The mesh has not started yet.');
      const settledMs =
        applies()
          .pushes()
          .find(({ number }) => number === moment.number)?.effectiveMs ?? 0;
      const atMs = 'atMs' in params ? params.atMs : moment.atMs + settledMs;
      const before = moments.get(moment.number - 1);
      const mesh = recorder.mesh(atMs);
      return {
        atMs,
        push: moment.number,
        title: moment.title,
        newest: newest.number,
        files: options.inForce(moment.files).map(({ file, text }) => ({ file, text })),
        changed: moment.number === 0 || !before ? [] : differences(moment.changed, before.objects, moment.objects),
        since: differences(changedAfter(moments, moment.number), moment.objects, newest.objects),
        ...(mesh ? { mesh } : {}),
        requests: recorder.requests(atMs, REQUESTS_SHOWN),
      };
    },
    line: () => ({ seconds: recorder.seconds() }),
    restore: async (push) => {
      const { view, files } = await applies().restoreTo(momentOf(push).number);
      options.showFiles(files);
      return view;
    },
    replay: ({ from, to, requests, untilMs }) =>
      alone(() =>
        replay({
          lab,
          clock,
          like: options.sandbox(),
          sendings: chosen(requests, untilMs),
          from: momentOf(from),
          to: momentOf(to),
          onProgress: progress('replay'),
        }),
      ),
    startBisect: ({ good, bad, judge, requests }) => {
      const { moments } = applies();
      const parts = { lab, clock, like: options.sandbox(), moments, good, bad, judge };
      bisect = createBisect({ ...parts, sendings: chosen(requests), onProgress: progress('bisect') });
      return alone(() => (bisect as Bisect).go());
    },
    markBisect: (verdict) => {
      const running = bisect;
      if (!running) throw new ApiError('no_bisect', 'No search for a push is under way.');
      return alone(() => running.mark(verdict));
    },
    seenAt: (atMs) => {
      const mesh = recorder.mesh(atMs);
      return { atMs, ...(mesh ? { mesh } : {}), requests: recorder.requests(atMs, REQUESTS_KEPT) };
    },
    recall: (seen) => recorder.recall(seen),
    clear: () => {
      recorder.clear();
      sendings = [];
      bisect = undefined;
    },
  };
}
