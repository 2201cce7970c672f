import { quotas } from '../quotas.ts';

/** The newest lines of one container, bounded in number and bytes. */
export interface ContainerLog {
  write(line: string): void;
  lines(): readonly string[];
  follow(onLine: (line: string) => void): () => void;
}

export function createContainerLog(onLine: (line: string) => void): ContainerLog {
  const kept: string[] = [];
  const followers = new Set<(line: string) => void>();
  let bytes = 0;
  return {
    write: (text) => {
      for (const part of text.replace(/\n$/, '').split('\n')) {
        const line = part.slice(0, quotas.logLineLength);
        kept.push(line);
        bytes += line.length;
        while (kept.length > quotas.logLinesPerContainer || bytes > quotas.logBytesPerContainer) {
          bytes -= kept.shift()?.length ?? 0;
        }
        onLine(line);
        for (const follower of followers) follower(line);
      }
    },
    lines: () => [...kept],
    follow: (follower) => {
      followers.add(follower);
      return () => followers.delete(follower);
    },
  };
}
