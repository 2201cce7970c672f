import type { ServerEvent } from '#contract';
import { type LabClient, sayError } from '../../lab-client/index.ts';
import { appendLog, toTerminal } from './ansi.ts';
import { completionOf, inColumns } from './completion.ts';
import { drawLine } from './draw-line.ts';
import { type Effect, emptyLine, feed, type LineState, replaceWord } from './line-editor.ts';

/** The screen that a session writes to: xterm, or nothing while only the log is shown. */
export interface Screen {
  write(text: string): void;
  clear(): void;
  columns(): number;
}

/** Characters that may be typed ahead of a command that runs. */
const MOST_AHEAD = 8192;

/** One terminal tab: edits the line here, runs it in the lab, shows what comes back. */
export class TerminalSession {
  readonly id: string;
  readonly #lab: LabClient;
  #screen: Screen | undefined;
  #line: LineState = emptyLine;
  #row = 0;
  #running = false;
  /** The script is unfinished: an open quote, a here-document, a loop. */
  #more = false;
  #cwd = '~';
  #stops: (() => void)[] = [];
  /** Output up to here, for a screen that opens later and for the plain log. */
  #log: string[] = [''];
  #raw = '';
  #waiting: string[] = [];
  /** Typed while a command ran; read when its prompt is back. */
  #ahead = '';
  #changed: () => void = () => undefined;
  readonly #listener = (event: Extract<ServerEvent, { type: 'terminal' | 'terminal-exit' }>): void => this.#hear(event);

  constructor(id: string, lab: LabClient) {
    this.id = id;
    this.#lab = lab;
  }

  start(): void {
    const { opened, sandbox, connection } = this.#lab.stores;
    this.#lab.terminalListeners.add(this.#listener);
    this.#stops = [
      opened.subscribe((times) => {
        if (times > 0) void this.#recall();
      }),
      sandbox.listen((view) => {
        if (view && view.status !== 'running') this.#cut('The mesh ended, and this command with it.');
      }),
      connection.listen((state) => {
        if (state !== 'open') this.#cut('The connection broke. What the command still does is not shown here.');
      }),
    ];
  }

  stop(): void {
    this.#lab.terminalListeners.delete(this.#listener);
    for (const stop of this.#stops) stop();
  }

  /** The tab goes: its command ends, and the lab forgets it. */
  close(): void {
    this.stop();
    this.#lab
      .request('terminal.close', { terminal: this.id })
      .catch((error: unknown) => console.info('The terminal was not closed in the lab.', error));
  }

  onChange(changed: () => void): void {
    this.#changed = changed;
  }

  get log(): readonly string[] {
    return this.#log;
  }

  get running(): boolean {
    return this.#running;
  }

  get promptText(): string {
    if (this.#more) return '> ';
    return this.#cwd === '~' ? `learner@${this.#lab.labId} $ ` : `learner@${this.#lab.labId} ${this.#cwd} $ `;
  }

  attach(screen: Screen): void {
    this.#screen = screen;
    this.#row = 0;
    screen.write(this.#raw);
    if (!this.#running) this.#draw();
  }

  detach(): void {
    this.#screen = undefined;
  }

  /** Draws the line again, after the screen has another width. */
  resized(): void {
    if (!this.#running) this.#draw();
  }

  typed(data: string): void {
    if (this.#running) {
      if (data === '\u0003') this.interrupt();
      else this.#ahead = (this.#ahead + data).slice(0, MOST_AHEAD);
      return;
    }
    const fed = feed(this.#line, data);
    const before = this.#line;
    this.#line = fed.state;
    for (const effect of fed.effects) this.#do(effect, before);
    if (!this.#running) this.#draw();
  }

  /** Runs a line as if it had been typed; waits while another runs. */
  run(line: string): void {
    if (this.#running) {
      this.#waiting.push(line);
      return;
    }
    this.#line = { ...this.#line, line, cursor: line.length };
    this.#draw();
    this.typed('\r');
  }

  interrupt(): void {
    this.#ahead = '';
    this.#waiting = [];
    this.#out('^C\n');
    this.#lab.request('terminal.interrupt', { terminal: this.id }).catch((error: unknown) => this.#fail(error));
  }

  #do(effect: Effect, before: LineState): void {
    switch (effect.kind) {
      case 'run':
        if (this.#running) this.#waiting.push(effect.line);
        else this.#start(effect.line);
        break;
      case 'interrupt':
        this.#keep(`${this.promptText}${before.line}^C\n`);
        this.#screen?.write('^C\r\n');
        this.#row = 0;
        if (this.#more) this.#leaveScript();
        break;
      case 'clear':
        this.#raw = '';
        this.#screen?.clear();
        this.#row = 0;
        break;
      case 'complete':
        void this.#complete();
        break;
    }
  }

  #start(line: string): void {
    this.#screen?.write(
      `${drawLine({ text: this.promptText, dim: true }, { ...this.#line, line, cursor: line.length }, this.#place()).text}\r\n`,
    );
    this.#row = 0;
    this.#keep(`\u001b[90m${this.promptText}\u001b[39m${line}\n`);
    if (line.trim() === '' && !this.#more) return;
    this.#running = true;
    this.#changed();
    this.#lab
      .request('terminal.run', { terminal: this.id, line })
      .then(({ accepted }) => {
        if (!accepted) this.#fail(new Error('Another command runs in this terminal. Ctrl+C ends it.'));
      })
      .catch((error: unknown) => this.#fail(error));
  }

  /** What was run here before the page was loaded comes back, for the arrows and for Ctrl+R. */
  async #recall(): Promise<void> {
    if (this.#line.history.length > 0) return;
    try {
      const { history } = await this.#lab.request('terminal.open', { terminal: this.id });
      if (this.#line.history.length === 0) this.#line = { ...this.#line, history };
    } catch (error) {
      console.info('The history of the terminal did not come.', error);
    }
  }

  async #complete(): Promise<void> {
    const { line, cursor } = this.#line;
    try {
      const { from, candidates } = await this.#lab.request('terminal.complete', { terminal: this.id, line, cursor });
      if (this.#line.line !== line || this.#line.cursor !== cursor) return;
      const found = completionOf(line.slice(from, cursor), candidates);
      if (found.kind === 'replace') this.#line = replaceWord(this.#line, from, found.text);
      if (found.kind === 'list') {
        this.#screen?.write('\r\n');
        this.#row = 0;
        this.#out(`${inColumns(found.candidates, this.#place().columns)}\n`);
      }
      this.#draw();
    } catch (error) {
      this.#fail(error);
    }
  }

  #hear(event: Extract<ServerEvent, { type: 'terminal' | 'terminal-exit' }>): void {
    if (event.type === 'terminal') {
      if (event.output.terminal === this.id) this.#out(event.output.text);
      return;
    }
    if (event.terminal !== this.id) return;
    this.#cwd = event.cwd;
    this.#more = event.more ?? false;
    this.#ended();
  }

  #ended(): void {
    this.#running = false;
    if (this.#raw !== '' && !this.#raw.endsWith('\n')) this.#out('\n');
    this.#row = 0;
    this.#draw();
    this.#changed();
    const next = this.#waiting.shift();
    if (next !== undefined) this.run(next);
    else if (this.#ahead !== '') {
      const ahead = this.#ahead;
      this.#ahead = '';
      this.typed(ahead);
    }
  }

  #leaveScript(): void {
    this.#more = false;
    this.#lab.request('terminal.interrupt', { terminal: this.id }).catch((error: unknown) => this.#fail(error));
  }

  /** Ends what will not say any more that it ended. */
  #cut(reason: string): void {
    if (!this.#running) return;
    this.#waiting = [];
    this.#fail(new Error(reason));
  }

  #fail(error: unknown): void {
    this.#more = false;
    this.#out(`\u001b[31m${sayError(error)}\u001b[39m\n`);
    this.#ended();
  }

  #out(text: string): void {
    this.#keep(text);
    this.#screen?.write(toTerminal(text));
  }

  #keep(text: string): void {
    this.#raw = (this.#raw + toTerminal(text)).slice(-200_000);
    this.#log = appendLog(this.#log, text);
    this.#changed();
  }

  #place(): { row: number; columns: number } {
    return { row: this.#row, columns: Math.max(10, this.#screen?.columns() ?? 80) };
  }

  #draw(): void {
    const drawn = drawLine({ text: this.promptText, dim: true }, this.#line, this.#place());
    this.#screen?.write(drawn.text);
    this.#row = drawn.row;
  }
}
