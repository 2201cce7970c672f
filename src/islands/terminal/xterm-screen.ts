import { FitAddon } from '@xterm/addon-fit';
import { type ITheme, Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import { onTheme } from '../../components/theme.ts';
import type { TerminalSession } from './session.ts';

function theme(): ITheme {
  const styles = getComputedStyle(document.documentElement);
  const token = (name: string): string => styles.getPropertyValue(name).trim();
  // The screen is dark in every theme, so its colours are those of the dark tokens.
  const probe = document.createElement('div');
  probe.dataset['theme'] = 'dark';
  document.body.append(probe);
  const dark = getComputedStyle(probe);
  const bright = (name: string): string => dark.getPropertyValue(name).trim();
  const colours: ITheme = {
    background: token('--screen'),
    foreground: token('--screen-ink'),
    cursor: token('--screen-ink'),
    cursorAccent: token('--screen'),
    selectionBackground: bright('--hand-edge'),
    black: bright('--sunken'),
    red: bright('--error'),
    green: bright('--ok'),
    yellow: bright('--slow'),
    blue: bright('--hand'),
    magenta: bright('--identity'),
    cyan: bright('--v1'),
    white: token('--screen-ink'),
    brightBlack: token('--screen-dim'),
    brightRed: bright('--error'),
    brightGreen: bright('--ok'),
    brightYellow: bright('--slow'),
    brightBlue: bright('--code-value'),
    brightMagenta: bright('--identity'),
    brightCyan: bright('--v1'),
    brightWhite: token('--screen-ink'),
  };
  probe.remove();
  return colours;
}

/** Esc, then Tab (or Shift+Tab) leaves; any other key is the terminal's again. */
function leaveByEscape(terminal: Terminal): void {
  let escaped = false;
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown') return true;
    if (event.key === 'Tab' && escaped) return false;
    if (event.key !== 'Shift') escaped = event.key === 'Escape';
    return event.key !== 'Escape';
  });
}

export interface XtermOptions {
  screenReader: boolean;
}

/** Opens xterm in `host` on a session; answers what ends it. */
export function openXterm(
  host: HTMLElement,
  session: TerminalSession,
  options: XtermOptions,
): { focus: () => void; dispose: () => void } {
  const terminal = new Terminal({
    fontFamily: "'Source Code Pro Variable', ui-monospace, monospace",
    fontSize: 13,
    lineHeight: 1.2,
    cursorBlink: false,
    cursorStyle: 'block',
    scrollback: 5000,
    minimumContrastRatio: 4.5,
    screenReaderMode: options.screenReader,
    theme: theme(),
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  terminal.open(host);
  fit.fit();
  leaveByEscape(terminal);
  session.attach({
    write: (text) => terminal.write(text),
    clear: () => {
      terminal.clear();
      terminal.write('\u001b[2J\u001b[H');
    },
    columns: () => terminal.cols,
  });
  const typing = terminal.onData((data) => session.typed(data));
  const observer = new ResizeObserver(() => {
    if (host.clientWidth === 0 || host.clientHeight === 0) return;
    const before = terminal.cols;
    fit.fit();
    if (terminal.cols !== before) session.resized();
  });
  observer.observe(host);
  const stopTheme = onTheme(() => {
    terminal.options.theme = theme();
  });
  return {
    focus: () => terminal.focus(),
    dispose: () => {
      stopTheme();
      observer.disconnect();
      typing.dispose();
      session.detach();
      terminal.dispose();
    },
  };
}
