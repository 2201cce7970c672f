import type { Readable, Writable } from 'node:stream';
import type { KubeObject } from '#domain';
import type { KubeStatus, PodAccess, PodExit, PodStreams, TerminalSize } from '../doors.ts';
import { statusOf } from '../http/exchange.ts';
import { isRecord, type JsonRecord } from '../json.ts';

/** What `…/exec` and `…/attach` ask for. */
export interface RemoteCommand {
  readonly pod: KubeObject;
  readonly container: string;
  /** Absent for attach. */
  readonly command?: readonly string[];
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's ends of a program's streams, whatever carries them. */
export interface CommandChannels {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
  onResize(handler: (size: TerminalSize) => void): void;
  /** The last word: how the program ended. */
  finish(status: JsonRecord | KubeStatus): Promise<void>;
}

/** Runs the program with the client's streams and tells how it ended. Never rejects. */
export async function runRemoteCommand(
  access: PodAccess,
  { command, container, pod, tty }: RemoteCommand,
  channels: CommandChannels,
  signal: AbortSignal,
): Promise<void> {
  const streams: PodStreams = {
    ...(channels.stdin ? { stdin: channels.stdin } : {}),
    stdout: channels.stdout,
    stderr: tty ? channels.stdout : channels.stderr,
    onResize: (handler) => channels.onResize(handler),
  };
  const status = await run(() =>
    command
      ? access.exec(pod, { container, command, tty }, streams, signal)
      : access.attach(pod, { container, tty }, streams, signal),
  );
  if (signal.aborted) return;
  await Promise.all([ended(channels.stdout), ended(channels.stderr)]);
  await channels.finish(status);
}

async function run(program: () => Promise<PodExit>): Promise<JsonRecord | KubeStatus> {
  try {
    const { exitCode } = await program();
    return exitCode === 0 ? { metadata: {}, status: 'Success' } : exitStatus(exitCode);
  } catch (error) {
    return statusOf(error);
  }
}

/** How a program's exit code reaches kubectl, which exits with it. */
const exitStatus = (exitCode: number): JsonRecord => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  message: `command terminated with non-zero exit code: exit status ${exitCode}`,
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  code: 500,
});

function ended(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableFinished) resolve();
    else {
      stream.once('close', resolve);
      stream.once('error', () => resolve());
      stream.end(() => resolve());
    }
  });
}

/** A terminal's size as clients send it: `{"Width":80,"Height":24}`. Undefined for anything else. */
export function terminalSize(text: string): TerminalSize | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return undefined;
    const [width, height] = [Number(value['Width']), Number(value['Height'])];
    return Number.isInteger(width) && Number.isInteger(height) ? { width, height } : undefined;
  } catch {
    // A size that cannot be read is no reason to end the session.
    return undefined;
  }
}
