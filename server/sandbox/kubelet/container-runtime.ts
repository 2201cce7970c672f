import type { Clock, Timer } from '#domain';
import { errorMessage } from '#domain';
import type { ContainerState } from '../doors.ts';
import type { ContainerSpec } from '../kube-types.ts';
import { type ContainerLog, createContainerLog } from './container-log.ts';
import type { Program } from './program.ts';

const FIRST_BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
const IMAGE_BACK_OFF_MS = 10_000;

type State =
  | { readonly is: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly is: 'running'; readonly startedMs: number }
  | {
      readonly is: 'terminated';
      readonly reason: string;
      readonly exitCode: number;
      readonly startedMs: number;
      readonly finishedMs: number;
    };

export interface ContainerOptions {
  readonly spec: ContainerSpec;
  readonly kind: ContainerState['kind'];
  readonly clock: Clock;
  /** A new program for each start; undefined when the image does not exist. */
  readonly createProgram: (log: (line: string) => void) => Program | undefined;
  /** Told when the image does not exist: which do. */
  readonly knownImages: string;
  readonly onChange: () => void;
  readonly onEvent: (reason: string, message: string, type: 'Normal' | 'Warning') => void;
  readonly onLog: (line: string) => void;
}

/** One container from its first start through crashes and back-offs to its end. */
export class ContainerRuntime {
  readonly log: ContainerLog;
  readonly #options: ContainerOptions;
  #state: State = { is: 'waiting', reason: 'PodInitializing' };
  #lastState: State | undefined;
  #ready = false;
  #restarts = 0;
  #program: Program | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.log = createContainerLog(options.onLog);
  }

  get ready(): boolean {
    return this.#ready;
  }

  get running(): boolean {
    return this.#state.is === 'running';
  }

  get program(): Program | undefined {
    return this.#program;
  }

  get view(): ContainerState {
    const { spec, kind } = this.#options;
    const state = this.#state.is === 'running' ? 'Running' : this.#state.reason;
    const message = this.#state.is === 'waiting' ? this.#state.message : undefined;
    return {
      name: spec.name,
      image: spec.image,
      ready: this.#ready,
      restarts: this.#restarts,
      kind,
      state,
      ...(message === undefined ? {} : { message }),
    };
  }

  /** Starts the program; resolves when it is ready, has crashed, or cannot be started at all. Never rejects. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    const { clock, createProgram, spec, onEvent } = this.#options;
    const program = createProgram((line) => this.log.write(line));
    if (program === undefined) return this.#imageMissing();
    this.#program = program;
    const startedMs = clock.now();
    onEvent('Started', `Started container ${spec.name}`, 'Normal');
    this.#enter({ is: 'running', startedMs }, false);
    try {
      await program.start();
      if (this.#stopped) return;
      if (this.#options.kind === 'init') this.#enter(this.#terminated('Completed', 0, startedMs), true);
      else this.#enter(this.#state, true);
    } catch (thrown) {
      this.log.write(errorMessage(thrown));
      await program.stop(0);
      if (!this.#stopped) this.#crashed(startedMs);
    }
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopped = true;
    this.#ready = false;
    this.#timer?.cancel();
    await this.#program?.stop(drainMs);
  }

  /** The entry of status.containerStatuses. */
  status(): object {
    const { spec } = this.#options;
    return {
      name: spec.name,
      image: spec.image,
      imageID: '',
      ready: this.#ready,
      started: this.#state.is === 'running',
      restartCount: this.#restarts,
      state: stateStatus(this.#state),
      lastState: this.#lastState === undefined ? {} : stateStatus(this.#lastState),
    };
  }

  #enter(state: State, ready: boolean): void {
    this.#state = state;
    this.#ready = ready;
    this.#options.onChange();
  }

  #terminated(reason: string, exitCode: number, startedMs: number): State {
    return { is: 'terminated', reason, exitCode, startedMs, finishedMs: this.#options.clock.now() };
  }

  #crashed(startedMs: number): void {
    const { clock, spec, onEvent } = this.#options;
    this.#lastState = this.#terminated('Error', 1, startedMs);
    const backOffMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** this.#restarts);
    const message = `back-off ${backOffMs / 1000}s restarting failed container=${spec.name}`;
    onEvent('BackOff', `Back-off restarting failed container ${spec.name}`, 'Warning');
    this.#enter({ is: 'waiting', reason: 'CrashLoopBackOff', message }, false);
    this.#timer = clock.after(backOffMs, () => {
      this.#restarts++;
      this.start();
    });
  }

  #imageMissing(): void {
    const { clock, spec, onEvent, knownImages } = this.#options;
    const message = `failed to pull "${spec.image}": the lab has no such image; it has ${knownImages}`;
    onEvent('Failed', message, 'Warning');
    this.#enter({ is: 'waiting', reason: 'ErrImagePull', message }, false);
    this.#timer = clock.after(IMAGE_BACK_OFF_MS, () => {
      onEvent('BackOff', `Back-off pulling image "${spec.image}"`, 'Warning');
      this.#enter(
        { is: 'waiting', reason: 'ImagePullBackOff', message: `Back-off pulling image "${spec.image}": ${message}` },
        false,
      );
    });
  }
}

const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

function stateStatus(state: State): object {
  switch (state.is) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case 'running':
      return { running: { startedAt: timestamp(state.startedMs) } };
    case 'terminated':
      return {
        terminated: {
          reason: state.reason,
          exitCode: state.exitCode,
          startedAt: timestamp(state.startedMs),
          finishedAt: timestamp(state.finishedMs),
        },
      };
  }
}
