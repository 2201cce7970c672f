import type { Clock, LogText, Timer } from '#domain';
import { errorMessage } from '#domain';
import type { ContainerState } from '../doors.ts';
import type { ContainerSpec, PreStop } from '../kube-types.ts';
import { ContainerHealth } from './container-health.ts';
import { type ContainerLog, createContainerLog } from './container-log.ts';
import { type State, stateStatus } from './container-state.ts';
import { ContainerConfigError } from './environment.ts';
import type { ProberOptions } from './prober.ts';
import type { Program } from './program.ts';

const FIRST_BACK_OFF_MS = 10_000;
const MAX_BACK_OFF_MS = 300_000;
const IMAGE_BACK_OFF_MS = 10_000;
const CONFIG_RETRY_MS = 2000;
/** A container that ran this long starts with a clean record. */
const FORGIVEN_AFTER_MS = 600_000;

export interface ContainerOptions {
  readonly spec: ContainerSpec;
  /** As the kubelet calls it: `cart-1_shop(0f2c…)`. */
  readonly pod: string;
  readonly kind: ContainerState['kind'];
  readonly clock: Clock;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  /** A new program for each start; undefined when the image does not exist. Throws ContainerConfigError while its spec leads nowhere. */
  readonly createProgram: (log: (line: LogText) => void) => Program | undefined;
  /** Tries one of the container's probes. */
  readonly probe: ProberOptions['probe'];
  /** Does what the container's preStop hook says; a text is why it failed. Never rejects. */
  readonly preStop: (hook: PreStop, signal: AbortSignal) => Promise<string | undefined>;
  /** Told when the image does not exist: which do. */
  readonly knownImages: string;
  readonly onChange: () => void;
  readonly onEvent: (reason: string, message: string, type: 'Normal' | 'Warning') => void;
  readonly onLog: (line: LogText) => void;
}

/** One container from its first start through crashes and back-offs to its end. */
export class ContainerRuntime {
  readonly #options: ContainerOptions;
  #log: ContainerLog;
  #previousLog: ContainerLog | undefined;
  #state: State = { is: 'waiting', reason: 'PodInitializing' };
  #lastState: State | undefined;
  #ready = false;
  #started = false;
  #restarts = 0;
  /** Ends in a row, which make the back-off longer. */
  #failures = 0;
  #program: Program | undefined;
  #timer: Timer | undefined;
  readonly #health: ContainerHealth;
  #stopped = false;
  #leaving = false;
  #ended: (() => void)[] = [];
  #awaitStarted: (() => void)[] = [];
  readonly #over = Promise.withResolvers<void>();

  constructor(options: ContainerOptions) {
    this.#options = options;
    this.#log = createContainerLog(options.onLog, options.clock);
    this.#health = new ContainerHealth({
      ...options,
      onStarted: () => this.#hasStarted(),
      onReady: (ready) => this.#setReady(ready),
      onKill: (message) => this.#kill(message),
    });
    if (options.kind !== 'init') this.#state = { is: 'waiting', reason: 'ContainerCreating' };
  }

  get log(): ContainerLog {
    return this.#log;
  }

  /** What the run before the last restart wrote. */
  get previousLog(): ContainerLog | undefined {
    return this.#previousLog;
  }

  get ready(): boolean {
    return this.#ready;
  }

  /** It runs, and its startup probe, if it has one, has passed. */
  get started(): boolean {
    return this.running && this.#started;
  }

  /** Resolves when it has started, maybe after crashes, or when it is stopped. */
  untilStarted(): Promise<void> {
    if (this.started || this.#stopped) return Promise.resolve();
    return new Promise((resolve) => this.#awaitStarted.push(resolve));
  }

  get running(): boolean {
    return this.#state.is === 'running';
  }

  /** How it ended, when it has and stays so. */
  get exitCode(): number | undefined {
    return this.#state.is === 'terminated' ? this.#state.exitCode : undefined;
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

  /** Waits for something outside: shown as the reason of the waiting state. */
  hold(reason: string, message?: string): void {
    this.#enter({ is: 'waiting', reason, ...(message === undefined ? {} : { message }) }, false);
  }

  /** Starts the program; resolves when it is ready, has crashed, or cannot be started at all. Never rejects. */
  async start(): Promise<void> {
    if (this.#stopped) return;
    const { clock, spec, onEvent } = this.#options;
    const program = this.#create();
    if (program === undefined) return;
    this.#program = program;
    const startedMs = clock.now();
    if (this.#restarts === 0) onEvent('Pulled', `Container image "${spec.image}" already present on machine`, 'Normal');
    onEvent('Created', `Created container: ${spec.name}`, 'Normal');
    onEvent('Started', `Started container ${spec.name}`, 'Normal');
    this.#started = false;
    this.#enter({ is: 'running', startedMs }, false);
    try {
      const exit = await program.start();
      if (this.#stopped || program !== this.#program) return;
      if (this.#options.kind === 'init' && exit === undefined) return this.#finish(0, startedMs);
      exit?.exitCode.then(
        (code) => this.#exited(program, code, startedMs),
        (error: unknown) => {
          this.#log.write(errorMessage(error));
          this.#exited(program, 1, startedMs);
        },
      );
      if (this.#options.kind === 'init') return await this.#untilEnded();
      // A proxy tells by itself when it is warm.
      if (this.#options.kind === 'proxy') this.#begin();
      else this.#health.start();
    } catch (thrown) {
      this.#log.write(errorMessage(thrown));
      await program.stop(0);
      if (!this.#stopped && program === this.#program) this.#exited(program, 1, startedMs);
    }
  }

  /** Its pod begins to end: it is not started again, and a proxy tells its clients. */
  drain(): void {
    if (this.#leaving || this.#stopped) return;
    this.#leaving = true;
    this.#health.stop();
    if (this.running) this.#options.onEvent('Killing', `Stopping container ${this.#options.spec.name}`, 'Normal');
    this.#program?.drain?.();
  }

  /** Runs its preStop hook, where it has one and runs itself, to its end or until `signal`. */
  async preStop(signal: AbortSignal): Promise<void> {
    const { spec, preStop, onEvent } = this.#options;
    const hook = spec.lifecycle?.preStop;
    if (hook === undefined || !this.running || signal.aborted) return;
    const failure = await preStop(hook, signal);
    if (failure !== undefined && !signal.aborted) onEvent('FailedPreStopHook', 'PreStopHook failed', 'Warning');
  }

  async stop(drainMs: number): Promise<void> {
    this.#stopped = true;
    if (this.#ready) this.#setDown();
    for (const go of this.#awaitStarted.splice(0)) go();
    this.#timer?.cancel();
    this.#health.stop();
    for (const end of this.#ended.splice(0)) end();
    await this.#program?.stop(drainMs);
  }

  /** Ends a run that would go on for ever, because the work beside it is done, or by force. */
  async end(drainMs: number, exitCode = 0): Promise<void> {
    const state = this.#state;
    await this.stop(drainMs);
    if (state.is === 'running') this.#finish(exitCode, state.startedMs);
  }

  /** Resolves when it has ended and will not start again. */
  untilOver(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves when the present run has ended. */
  untilExit(): Promise<number> {
    if (!this.running) return Promise.resolve(this.exitCode ?? 0);
    return this.#untilEnded().then(
      () => this.exitCode ?? (this.#lastState?.is === 'terminated' ? this.#lastState.exitCode : 0),
    );
  }

  /** The entry of status.containerStatuses. */
  status(): object {
    const { spec } = this.#options;
    return {
      name: spec.name,
      image: spec.image,
      imageID: this.#program === undefined ? '' : `meshwork://${spec.image}`,
      containerID: this.#program === undefined ? '' : `meshwork://${spec.name}`,
      ready: this.#ready,
      started: this.running && (this.#started || this.#ready),
      restartCount: this.#restarts,
      state: stateStatus(this.#state),
      lastState: this.#lastState === undefined ? {} : stateStatus(this.#lastState),
    };
  }

  #create(): Program | undefined {
    const { clock, createProgram } = this.#options;
    try {
      const program = createProgram((line) => this.#log.write(line));
      if (program === undefined) this.#imageMissing();
      return program;
    } catch (error) {
      if (!(error instanceof ContainerConfigError)) throw error;
      this.#options.onEvent('Failed', `Error: ${error.message}`, 'Warning');
      this.#enter({ is: 'waiting', reason: 'CreateContainerConfigError', message: error.message }, false);
      this.#timer = clock.after(CONFIG_RETRY_MS, () => this.start());
      return undefined;
    }
  }

  #untilEnded(): Promise<void> {
    return new Promise((resolve) => this.#ended.push(resolve));
  }

  #enter(state: State, ready: boolean): void {
    this.#state = state;
    this.#ready = ready;
    this.#options.onChange();
  }

  #setReady(ready: boolean): void {
    if (this.#ready === ready || !this.running) return;
    this.#ready = ready;
    this.#options.onChange();
  }

  #begin(): void {
    this.#hasStarted();
    this.#setReady(true);
  }

  #hasStarted(): void {
    this.#started = true;
    for (const go of this.#awaitStarted.splice(0)) go();
  }

  #kill(message: string): void {
    const program = this.#program;
    if (program === undefined || this.#state.is !== 'running') return;
    this.#options.onEvent('Killing', message, 'Normal');
    const { startedMs } = this.#state;
    this.#health.stop();
    this.#exited(program, 137, startedMs);
  }

  /** The program has ended: the restart policy says what comes. */
  #exited(program: Program, exitCode: number, startedMs: number): void {
    if (this.#stopped || program !== this.#program || !this.running) return;
    const { kind, restartPolicy, clock } = this.#options;
    this.#health.stop();
    const succeeded = exitCode === 0;
    this.#state = {
      is: 'terminated',
      reason: succeeded ? 'Completed' : 'Error',
      exitCode,
      startedMs,
      finishedMs: clock.now(),
    };
    const again = this.#leaving
      ? false
      : kind === 'init'
        ? !succeeded && restartPolicy !== 'Never'
        : restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && !succeeded);
    if (!again) {
      this.#finish(exitCode, startedMs);
      return;
    }
    if (clock.now() - startedMs > FORGIVEN_AFTER_MS) this.#failures = 0;
    this.#lastState = this.#state;
    this.#setDown();
    // Its ports must be free for the next run.
    program.stop(0).then(() => {
      if (!this.#stopped) this.#restartLater();
    });
  }

  #setDown(): void {
    this.#ready = false;
    this.#options.onChange();
  }

  #finish(exitCode: number, startedMs: number): void {
    const reason = exitCode === 0 ? 'Completed' : 'Error';
    const finishedMs = this.#options.clock.now();
    this.#enter(
      { is: 'terminated', reason, exitCode, startedMs, finishedMs },
      this.#options.kind === 'init' && exitCode === 0,
    );
    for (const end of this.#ended.splice(0)) end();
    this.#over.resolve();
  }

  /** The first time at once, then after ever longer pauses. */
  #restartLater(): void {
    const { clock, spec, onEvent, pod } = this.#options;
    if (this.#options.kind !== 'init') for (const end of this.#ended.splice(0)) end();
    if (this.#failures++ === 0) {
      this.#restart();
      return;
    }
    const backOffMs = Math.min(MAX_BACK_OFF_MS, FIRST_BACK_OFF_MS * 2 ** (this.#failures - 2));
    const message = `back-off ${backOffMs / 1000}s restarting failed container=${spec.name} pod=${pod}`;
    onEvent('BackOff', `Back-off restarting failed container ${spec.name} in pod ${pod}`, 'Warning');
    this.#enter({ is: 'waiting', reason: 'CrashLoopBackOff', message }, false);
    this.#timer = clock.after(backOffMs, () => this.#restart());
  }

  #restart(): void {
    this.#restarts++;
    this.#previousLog = this.#log;
    this.#log = this.#log.successor();
    this.start();
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
