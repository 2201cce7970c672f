import type { Duplex, Readable, Writable } from 'node:stream';
import type { KubeObject } from '#domain';

/** What the query of `GET …/pods/NAME/log` asks for. */
export interface PodLogOptions {
  /** Always filled in: the server settles which container is meant, or refuses. */
  readonly container: string;
  readonly follow: boolean;
  /** The run before the last restart. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  /** Only the last lines. */
  readonly tailLines?: number;
  /** Nothing older than this, wall time in milliseconds since 1970. */
  readonly sinceMs?: number;
  /** The server cuts after this many bytes; an implementation may stop earlier. */
  readonly limitBytes?: number;
}

/** A terminal's size, in characters. */
export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** The streams of a program that a client talks to. With a terminal there is no `stderr`: both outputs are one. */
export interface PodStreams {
  /** Absent when the client sends no input. Ends when the client closes its side. */
  readonly stdin?: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Calls `handler` for each new size of the client's terminal. */
  onResize(handler: (size: TerminalSize) => void): void;
}

export interface PodExecOptions {
  readonly container: string;
  /** Program and arguments, as sent: nothing has been split or expanded. */
  readonly command: readonly string[];
  readonly tty: boolean;
}

export type PodAttachOptions = Omit<PodExecOptions, 'command'>;

/** How a program ended. */
export interface PodExit {
  readonly exitCode: number;
}

/**
 * What the API server needs of the node that a pod runs on. The server has checked that the pod and the container exist. A refusal is
 * thrown as KubeStatusError (BadRequest, `container "app" in pod "web-0" is waiting to start: ContainerCreating`; NotFound; …) and reaches
 * the client as its Status. `signal` aborts when the client went away; all work for it must end then.
 */
export interface PodAccess {
  /** Log text in pieces; with `follow` it goes on until the container ends or `signal` aborts. */
  logs(pod: KubeObject, options: PodLogOptions, signal: AbortSignal): AsyncIterable<string | Uint8Array>;
  /**
   * Runs a program. Resolves when it has ended and everything it wrote is in the streams; the server ends them. A command that does not exist
   * is an exit with code 127 (not found) or 126 (not allowed), with the reason on stderr.
   */
  exec(pod: KubeObject, options: PodExecOptions, streams: PodStreams, signal: AbortSignal): Promise<PodExit>;
  /** Joins the container's main program: its output from now on. Resolves when the container ends. */
  attach(pod: KubeObject, options: PodAttachOptions, streams: PodStreams, signal: AbortSignal): Promise<PodExit>;
  /** A connection to a TCP port inside the pod. Rejects with the reason when nothing listens. */
  portForward(pod: KubeObject, port: number, signal: AbortSignal): Promise<Duplex>;
  /** A connection to a port of the pod's own address, as from outside the mesh: its sidecar sees it. Rejects with the reason. */
  connect?(pod: KubeObject, port: number, signal: AbortSignal): Promise<Duplex>;
}
