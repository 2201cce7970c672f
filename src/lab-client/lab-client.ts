import type { LabState, Params, Results, SandboxView, ServerEvent } from '#contract';
import { type ViewState, writeAddress } from './address.ts';
import { Connection, type ConnectionState } from './connection.ts';
import type { Drafts } from './drafts.ts';
import { LabError, sayError } from './errors.ts';
import { addMesh, addToHistory } from './history.ts';
import type { LabText } from './lab-text.ts';
import { addLines, addPush, addRequests } from './reduce.ts';
import { createStores, type LabStores, type Place, type Toast } from './stores.ts';
import type { Timers, Transport } from './transport.ts';
import { Writing } from './writing.ts';

export interface LabClientOptions {
  text: LabText;
  view: ViewState;
  transport: Transport;
  timers: Timers;
  chance: () => number;
  drafts: Drafts;
  /** Puts the view into the address bar. */
  publish: (search: string) => void;
}

/** No mesh answered, because there was none. */
const AWAY = new Set(['sandbox_away', 'sandbox_stopped', 'sandbox_ended']);

/** The page's one way to the lab: stores to read, verbs to call. Verbs never throw: what fails becomes a state or a toast. */
export class LabClient {
  readonly labId: string;
  readonly text: LabText;
  readonly stores: LabStores;
  /** Terminal panes listen here; output does not go through a store, since every byte counts once. */
  readonly terminalListeners = new Set<(event: Extract<ServerEvent, { type: 'terminal' | 'terminal-exit' }>) => void>();
  /** Islands that keep a state of their own listen here for what no store of the page takes. */
  readonly eventListeners = new Set<(event: ServerEvent) => void>();
  /** Set by the terminal island: runs a command that stands in the text. */
  runInTerminal: ((line: string) => void) | undefined;
  /** Lines that were to run before the terminal was there; it takes them when it comes. */
  readonly linesForTerminal: string[] = [];
  readonly #options: LabClientOptions;
  readonly #connection: Connection;
  readonly #writing: Writing;
  /** The mesh ended by itself: when it runs again, the page asks for everything anew. */
  #mending = false;
  #nextToast = 1;

  constructor(options: LabClientOptions) {
    this.#options = options;
    this.text = options.text;
    this.labId = options.text.id;
    this.stores = createStores(options.view);
    this.#writing = new Writing({
      ...options,
      lab: this.labId,
      stores: this.stores,
      request: (method, params, timeoutMs) => this.#connection.request(method, params, timeoutMs),
      fail: (error) => this.fail(error),
    });
    this.#connection = new Connection({
      transport: options.transport,
      timers: options.timers,
      chance: options.chance,
      onFresh: () => void this.#open(),
      onEvent: (event) => this.#hear(event),
      onState: (state, home) => this.#connectionIs(state, home),
    });
  }

  start(): void {
    this.#connection.start();
  }

  stop(): void {
    this.#writing.stop();
    this.#connection.stop();
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  readonly request: Connection['request'] = (method, params, timeoutMs) =>
    this.#connection.request(method, params, timeoutMs);

  // What is shown

  show(change: Partial<ViewState>): void {
    const before = this.stores.view.get();
    const view = { ...before, ...change };
    if (view.dock !== before.dock && change.show === undefined) delete view.show;
    this.stores.view.set(view);
    this.#options.publish(writeAddress(view));
  }

  /** Takes parts out of what is shown: the filter by a line, the request that is compared with. */
  unshow(...names: ('show' | 'line' | 'other')[]): void {
    const view = { ...this.stores.view.get() };
    for (const name of names) delete view[name];
    this.stores.view.set(view);
    this.#options.publish(writeAddress(view));
  }

  /** Back to now: the map, the list and the pushes follow again. */
  goLive(): void {
    const { atMs: _past, push: _push, ...view } = this.stores.view.get();
    this.stores.view.set(view);
    this.#options.publish(writeAddress(view));
  }

  /** Shows a line in the editor. */
  openPlace({ file, line }: Place): void {
    this.stores.place.set({ file, line });
  }

  toast(toast: Omit<Toast, 'id'>): void {
    const others = this.stores.toasts.get().filter(({ topic }) => topic === undefined || topic !== toast.topic);
    this.stores.toasts.set([...others, { ...toast, id: this.#nextToast++ }].slice(-3));
  }

  /** Says what failed. What was asked while the mesh was away failed for that reason: the word that it runs again, or not, takes its place. */
  fail(error: unknown): void {
    const away = error instanceof LabError && AWAY.has(error.code);
    this.toast({ text: sayError(error), error: true, ...(away ? { topic: 'mesh' } : {}) });
  }

  dismiss(id: number): void {
    this.stores.toasts.set(this.stores.toasts.get().filter((toast) => toast.id !== id));
  }

  // Text

  edit(file: string, text: string): void {
    this.#writing.edit(file, text);
  }

  apply(): Promise<void> {
    return this.#writing.apply();
  }

  undo(): Promise<void> {
    return this.changeBy('yaml.undo', {});
  }

  /** A change that the lab makes itself: the last one taken back, an earlier push made current again. */
  changeBy<M extends 'yaml.undo' | 'time.restore'>(method: M, params: Params<M>): Promise<void> {
    return this.#writing.changeBy(method, params);
  }

  async reset(): Promise<void> {
    await this.#try(async () => {
      const state = await this.request('yaml.reset', {}, 60_000);
      this.closeExplanation();
      this.goLive();
      this.stores.history.set([]);
      this.stores.meshes.set([]);
      this.stores.lines.set([]);
      this.#writing.forget();
      this.#take(state, []);
      this.stores.apply.set({ state: 'idle' });
      this.stores.hints.set([]);
      this.#options.drafts.clear(this.labId);
      const restore = { label: 'Restore mine', run: () => void this.restore() };
      this.toast({ text: 'The lab is at its start. Your version is saved.', error: false, action: restore });
    });
  }

  async restore(): Promise<void> {
    await this.#try(async () => this.#writing.take((await this.request('yaml.restore', {})).files));
  }

  /** Starts the mesh that was given up, and asks for everything anew. */
  async reopen(): Promise<void> {
    await this.#open();
  }

  async solution(): Promise<Results['yaml.solution']['files']> {
    return (await this.request('yaml.solution', {})).files;
  }

  kubeAccess(): Promise<Results['kube.access']> {
    return this.request('kube.access', {});
  }

  // Checks, hints, traffic, requests

  async runChecks(): Promise<void> {
    // On a phone the checks stand beside the text, not beside the editor.
    if (this.stores.view.get().panel === 'edit') this.show({ panel: 'read' });
    this.#tellAsked();
    await this.#try(async () => this.stores.checks.set((await this.request('checks.run', {}, 120_000)).checks));
    this.#tellAsked();
  }

  #tellAsked(): void {
    this.stores.asked.set(this.stores.asked.get() + 1);
  }

  async answer(check: string, answer: Record<string, string>): Promise<void> {
    await this.#try(async () =>
      this.stores.checks.set((await this.request('checks.answer', { check, answer })).checks),
    );
  }

  async nextHint(): Promise<void> {
    await this.#try(async () => {
      const hint = await this.request('hints.next', {});
      const others = this.stores.hints.get().filter((one) => one.number !== hint.number);
      this.stores.hints.set([...others, hint]);
    });
  }

  async setTraffic(traffic: string, running: boolean, rps?: number): Promise<void> {
    await this.#try(async () => {
      const params = { traffic, running, ...(rps === undefined ? {} : { rps }) };
      this.stores.traffic.set((await this.request('traffic.set', params)).traffic);
    });
  }

  /** Sends one request and opens its decision path. */
  async send(like?: { path?: string }): Promise<void> {
    await this.#try(async () => {
      const sent = await this.request('request.send', like ?? {}, 40_000);
      this.stores.requests.set(addRequests(this.stores.requests.get(), [sent]));
      await this.explain(sent.id);
    });
  }

  /** Opens the decision path of a request; the view keeps it in the address. */
  async explain(request: string, shown: Partial<ViewState> = {}): Promise<void> {
    this.show({ request, ...shown });
    this.stores.explanation.set({ state: 'loading', request });
    try {
      const view = await this.request('request.explain', { request });
      if (this.stores.view.get().request === request) this.stores.explanation.set({ state: 'ready', request, view });
    } catch (error) {
      this.stores.explanation.set({ state: 'failed', request, message: sayError(error) });
    }
  }

  closeExplanation(): void {
    const { request: _closed, ...view } = this.stores.view.get();
    const dock = view.dock === 'why' ? 'req' : view.dock;
    this.stores.view.set({ ...view, dock });
    this.#options.publish(writeAddress({ ...view, dock }));
    this.stores.explanation.set({ state: 'none' });
  }

  // Inside

  async #try(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      this.fail(error);
    }
  }

  async #open(): Promise<void> {
    await this.#try(async () => {
      const state = await this.request('lab.open', { lab: this.labId }, 60_000);
      this.#take(state, this.#options.drafts.read(this.labId));
      const wanted = this.stores.view.get().request;
      if (wanted && this.stores.explanation.get().state === 'none') await this.explain(wanted);
    });
  }

  #take(state: LabState, drafts: { file: string; text: string }[]): void {
    const { stores } = this;
    stores.sandbox.set(state.sandbox);
    stores.applied.set(state.applied);
    this.#writing.open(state.files, drafts);
    stores.checks.set(state.checks);
    stores.traffic.set(state.traffic);
    stores.pushes.set(state.pushes);
    stores.requests.set(addRequests([], state.requests));
    if (stores.history.get().length === 0) stores.history.set(addToHistory([], state.requests, 0));
    stores.diagnostics.set(state.diagnostics);
    this.#meshIs(state.mesh);
    stores.opened.set(stores.opened.get() + 1);
  }

  #hear(event: ServerEvent): void {
    const { stores } = this;
    switch (event.type) {
      case 'sandbox':
        this.#sandboxIs(event.sandbox);
        break;
      case 'mesh':
        this.#meshIs(event.mesh);
        break;
      case 'requests':
        stores.requests.set(addRequests(stores.requests.get(), event.requests));
        stores.history.set(addToHistory(stores.history.get(), event.requests, event.dropped));
        break;
      case 'push':
        stores.pushes.set(addPush(stores.pushes.get(), event.push));
        break;
      case 'checks':
        stores.checks.set(event.checks);
        break;
      case 'traffic':
        stores.traffic.set(event.traffic);
        break;
      case 'files':
        if (event.applied) stores.applied.set(event.applied);
        this.#writing.take(event.files);
        break;
      case 'diagnostics':
        stores.diagnostics.set(event.diagnostics);
        break;
      case 'replaced':
      case 'unkept':
        this.toast({ text: event.reason, error: true, topic: event.type === 'unkept' ? 'disk' : 'mesh' });
        break;
      case 'terminal':
      case 'terminal-exit':
        for (const listen of this.terminalListeners) listen(event);
        break;
      default:
        for (const listen of this.eventListeners) listen(event);
    }
  }

  #sandboxIs(sandbox: SandboxView): void {
    this.stores.sandbox.set(sandbox);
    if (sandbox.status === 'crashed') this.#mending = true;
    // The map says what happened, and starts it again.
    if (sandbox.status === 'stopped')
      this.stores.toasts.set(this.stores.toasts.get().filter(({ topic }) => topic !== 'mesh'));
    if (sandbox.status !== 'running' || !this.#mending) return;
    this.#mending = false;
    const after = sandbox.startMs === undefined ? '' : ` It needed ${Math.round(sandbox.startMs)} ms.`;
    this.toast({ text: `The mesh ended and runs again, with your resources.${after}`, error: true, topic: 'mesh' });
    void this.#open();
  }

  #meshIs(mesh: LabState['mesh']): void {
    this.stores.mesh.set(mesh);
    this.stores.meshes.set(addMesh(this.stores.meshes.get(), mesh));
    const lines = addLines(this.stores.lines.get(), mesh);
    if (lines !== this.stores.lines.get()) this.stores.lines.set(lines);
  }

  #connectionIs(state: ConnectionState, home: string | undefined): void {
    this.stores.home.set(home);
    this.stores.connection.set(state);
    if (state !== 'open' && this.stores.saving.get() === 'waiting') this.stores.saving.set('offline');
  }
}
