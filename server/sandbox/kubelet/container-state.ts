/** What a container is doing. */
export type State =
  | { readonly is: 'waiting'; readonly reason: string; readonly message?: string }
  | { readonly is: 'running'; readonly startedMs: number }
  | {
      readonly is: 'terminated';
      readonly reason: string;
      readonly exitCode: number;
      readonly startedMs: number;
      readonly finishedMs: number;
    };

const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');

/** A state as containerStatuses tells it. */
export function stateStatus(state: State): object {
  switch (state.is) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message === undefined ? {} : { message: state.message }) } };
    case 'running':
      return { running: { startedAt: timestamp(state.startedMs) } };
    case 'terminated':
      return {
        terminated: {
          reason: state.reason,
          exitCode: state.exitCode,
          startedAt: timestamp(state.startedMs),
          finishedAt: timestamp(state.finishedMs),
        },
      };
  }
}
