import type { ErrorView, ExplanationView, Method, ServerEvent } from '#contract';
import type { KubeObject } from '#domain';
import type { KeyHost } from '#sandbox/key-host';
import type { KeptPast } from './session/time-travel/kept-past.ts';

/** What the lab server and a sandbox process say to each other over the fork's IPC channel. */
export type ToSandbox =
  | {
      readonly kind: 'start';
      readonly lab: string;
      readonly subnet: number;
      readonly saved: SavedState | undefined;
      /** Hosts outside of the mesh from which istiod may fetch keys. */
      readonly keyHosts?: readonly KeyHost[];
    }
  | { readonly kind: 'request'; readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly kind: 'ping' }
  | { readonly kind: 'stop' };

export type FromSandbox =
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly error: ErrorView }
  | { readonly kind: 'event'; readonly event: ServerEvent }
  | { readonly kind: 'saved'; readonly saved: SavedState }
  | { readonly kind: 'started'; readonly startMs: number }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'pong' };

/**
 * Enough to put a learner's mesh back after a crash or a restart: the editor's text, what was applied, and the objects of the store
 * that the learner (not a controller) made or changed.
 */
export interface SavedState {
  readonly lab: string;
  readonly files: readonly { readonly file: string; readonly text: string }[];
  readonly applied: readonly { readonly file: string; readonly text: string }[];
  /** Undefined: the lab's own topology; else every object to start from. */
  readonly objects: readonly KubeObject[] | undefined;
  /** Ids of checks that were met. */
  readonly met: readonly string[];
  readonly hintsOpened: number;
  /** The pushes so far; undefined: the mesh begins anew. */
  readonly past?: KeptPast | undefined;
  /** Requests whose decisions were opened, newest last. */
  readonly requests?: readonly ExplanationView[] | undefined;
}
