import type { Readable, Writable } from 'node:stream';
import type { PodWorld } from './pod-world.ts';
import { podShell } from './run-command.ts';

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const ARROW_KEYS = new RegExp(`${String.fromCharCode(27)}\\[[A-Z]`, 'g');
const BACKSPACE = new Set(['\b', '\u007f']);

export interface InteractiveOptions {
  readonly world: PodWorld;
  readonly streams: { readonly stdin?: Readable; readonly stdout: Writable };
  readonly signal: AbortSignal;
}

/** A shell on a terminal: echoes, edits a line, runs it, asks for the next; `exit`, Ctrl+D or the end of input end it. */
export function runInteractive({ world, streams, signal }: InteractiveOptions): Promise<number> {
  const { stdin, stdout } = streams;
  const shell = podShell(world);
  const write = (text: string): void => void stdout.write(text.replace(/\r?\n/g, '\r\n'));
  const prompt = (more: boolean): void =>
    write(more ? '> ' : `${world.container === 'istio-proxy' ? 'istio-proxy@' : ''}${world.pod.name}:/# `);
  return new Promise((resolve) => {
    let line = '';
    let script = '';
    let lastCode = 0;
    let running: AbortController | undefined;
    const waiting: string[] = [];
    const end = (code: number): void => {
      running?.abort();
      stdin?.pause();
      resolve(code);
    };
    const runLine = async (): Promise<void> => {
      script = script === '' ? line : `${script}\n${line}`;
      line = '';
      const [, code] = /^\s*exit(?:\s+(\d+))?\s*$/.exec(script) ?? [undefined, undefined];
      if (/^\s*exit\b/.test(script)) return end(code === undefined ? lastCode : Number(code));
      if (shell.needsMore(script)) return prompt(true);
      running = new AbortController();
      const stop = AbortSignal.any([signal, running.signal]);
      lastCode = await shell.run(script, { out: write, err: write, signal: stop });
      running = undefined;
      script = '';
      if (signal.aborted) return end(lastCode);
      prompt(false);
      for (const key of waiting.splice(0)) take(key);
    };
    const take = (key: string): void => {
      if (key === CTRL_C) {
        write('^C\n');
        line = script = '';
        if (running === undefined) prompt(false);
        else running.abort();
      } else if (running !== undefined) waiting.push(key);
      else if (key === CTRL_D) {
        if (line === '') end(lastCode);
      } else if (key === '\r' || key === '\n') {
        write('\n');
        void runLine();
      } else if (BACKSPACE.has(key)) {
        if (line !== '') write('\b \b');
        line = line.slice(0, -1);
      } else if (key >= ' ') {
        line += key;
        write(key);
      }
    };
    prompt(false);
    // Escape sequences of arrow keys have no meaning here.
    stdin?.on('data', (chunk) => [...String(chunk).replace(ARROW_KEYS, '')].forEach(take));
    stdin?.once('end', () => end(lastCode));
    signal.addEventListener('abort', () => end(130), { once: true });
  });
}
