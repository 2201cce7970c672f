import { quotas } from '../quotas.ts';

/** The newest lines of one container, bounded in number and bytes. */
export interface ContainerLog {
  write(line: string): void;
  lines(): readonly string[];
  follow(onLine: (line: string) => void): () => void;
}

export function createContainerLog(onLine: (line: string) => void): ContainerLog {
  let kept: string[] = [];
  /** Where the oldest line stands; what is before it is cut off now and then, because a cut moves all others. */
  let oldest = 0;
  const followers = new Set<(line: string) => void>();
  let bytes = 0;
  const keep = (part: string): void => {
    const line = part.length > quotas.logLineLength ? part.slice(0, quotas.logLineLength) : part;
    kept.push(line);
    bytes += line.length;
    while (kept.length - oldest > quotas.logLinesPerContainer || bytes > quotas.logBytesPerContainer) {
      bytes -= kept[oldest]?.length ?? 0;
      kept[oldest++] = '';
    }
    if (oldest > quotas.logLinesPerContainer) {
      kept = kept.slice(oldest);
      oldest = 0;
    }
    onLine(line);
    for (const follower of followers) follower(line);
  };
  return {
    write: (text) => {
      if (text.includes('\n')) for (const line of text.replace(/\n$/, '').split('\n')) keep(line);
      else keep(text);
    },
    lines: () => kept.slice(oldest),
    follow: (follower) => {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}
