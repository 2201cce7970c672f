import type { Clock, LogBytes, LogText } from '#domain';
import { quotas } from '../quotas.ts';
import { LineRing } from './line-ring.ts';

export interface LogLine {
  readonly text: string;
  /** Wall time in milliseconds. */
  readonly atMs: number;
}

/** The newest lines of one run of a container, bounded in number and bytes. */
export interface ContainerLog {
  /** Several lines where a string has newlines. */
  write(line: LogText): void;
  lines(): readonly string[];
  /** The lines with the time each was written. */
  entries(): readonly LogLine[];
  /** Calls back for each new line, of later runs as well, until the returned function is called. */
  follow(onLine: (line: string) => void): () => void;
  /** An empty log for the next run; who follows goes on with it. */
  successor(): ContainerLog;
}

export function createContainerLog(onLine: (line: LogText) => void, clock: Pick<Clock, 'now'>): ContainerLog {
  return startLog({ onLine, clock, followers: new Set() });
}

interface LogParts {
  readonly onLine: (line: LogText) => void;
  readonly clock: Pick<Clock, 'now'>;
  readonly followers: Set<(line: string) => void>;
}

function startLog(parts: LogParts): ContainerLog {
  const { onLine, clock, followers } = parts;
  const kept = new LineRing({ maxLines: quotas.logLinesPerContainer, maxBytes: quotas.logBytesPerContainer });
  const keep = (part: string): void => {
    const text = part.length > quotas.logLineLength ? part.slice(0, quotas.logLineLength) : part;
    kept.push(text, clock.now());
    onLine(text);
    for (const follower of followers) follower(text);
  };
  const keepBytes = (line: LogBytes): void => {
    if (line.length > quotas.logLineLength) {
      keep(line.toString());
      return;
    }
    kept.pushBytes(line, clock.now());
    onLine(line);
    if (followers.size > 0) for (const follower of followers) follower(line.toString());
  };
  return {
    write: (text) => {
      if (typeof text !== 'string') keepBytes(text);
      else if (text.includes('\n')) for (const line of text.replace(/\n$/, '').split('\n')) keep(line);
      else keep(text);
    },
    lines: () => kept.entries().map(({ text }) => text),
    entries: () => kept.entries(),
    follow: (follower) => {
      followers.add(follower);
      return () => followers.delete(follower);
    },
    successor: () => startLog(parts),
  };
}
