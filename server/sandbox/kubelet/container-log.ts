import type { Clock } from '#domain';
import { quotas } from '../quotas.ts';
import { LineRing } from './line-ring.ts';

export interface LogLine {
  readonly text: string;
  /** Wall time in milliseconds. */
  readonly atMs: number;
}

/** The newest lines of one run of a container, bounded in number and bytes. */
export interface ContainerLog {
  write(line: string): void;
  lines(): readonly string[];
  /** The lines with the time each was written. */
  entries(): readonly LogLine[];
  /** Calls back for each new line, of later runs as well, until the returned function is called. */
  follow(onLine: (line: string) => void): () => void;
  /** An empty log for the next run; who follows goes on with it. */
  successor(): ContainerLog;
}

export function createContainerLog(onLine: (line: string) => void, clock: Pick<Clock, 'now'>): ContainerLog {
  return startLog({ onLine, clock, followers: new Set() });
}

interface LogParts {
  readonly onLine: (line: string) => void;
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
  return {
    write: (text) => {
      if (text.includes('\n')) for (const line of text.replace(/\n$/, '').split('\n')) keep(line);
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
