import type { Clock } from '#domain';
import type { PodLogOptions } from '#kube-api';
import type { LogLine } from '../kubelet/container-log.ts';
import type { ContainerRuntime } from '../kubelet/container-runtime.ts';

/** The lines that are there, as `kubectl logs` asks for them. */
export async function* logText(container: ContainerRuntime, options: PodLogOptions): AsyncGenerator<string> {
  const log = options.previous ? container.previousLog : container.log;
  const lines = chosen(log?.entries() ?? [], options);
  if (lines.length > 0) yield lines.map((line) => formatLine(line, options)).join('');
}

/** Those lines, then each new one until the container ends or the client goes. */
export async function* followLog(
  container: ContainerRuntime,
  options: PodLogOptions,
  { clock, signal }: { readonly clock: Pick<Clock, 'now'>; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const waiting: string[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    wake();
  };
  const unfollow = container.log.follow((text) => {
    waiting.push(formatLine({ text, atMs: clock.now() }, options));
    wake();
  });
  signal.addEventListener('abort', end, { once: true });
  container.untilExit().then(end);
  try {
    yield* logText(container, options);
    for (;;) {
      if (waiting.length > 0) yield waiting.splice(0).join('');
      else if (ended || signal.aborted) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unfollow();
  }
}

function chosen(lines: readonly LogLine[], { sinceMs, tailLines }: PodLogOptions): readonly LogLine[] {
  const recent = sinceMs === undefined ? lines : lines.filter(({ atMs }) => atMs >= sinceMs);
  if (tailLines === undefined) return recent;
  return tailLines === 0 ? [] : recent.slice(-tailLines);
}

const formatLine = ({ text, atMs }: LogLine, { timestamps }: PodLogOptions): string =>
  timestamps ? `${new Date(atMs).toISOString().replace('Z', '000000Z')} ${text}\n` : `${text}\n`;
