import type { ErrorView } from '#contract';
import { errorMessage, MeshworkError } from '#domain';

/** Failures a learner can act on, by code; everything else is ours and says so. The one table from errors to answers. */
const hints: Readonly<Record<string, string>> = {
  bad_request: 'Reload the page; if it happens again, this page and this server are of different versions.',
  unknown_lab: 'Choose a lab from the list at /lab/.',
  unknown_request: 'The lab keeps the newest requests only. Send it again and open the new one.',
  sandbox_away: 'The mesh is starting again by itself; your text and your objects are kept.',
  sandbox_stopped: 'Start it again from the map, or reload the page; your text is kept.',
  busy: 'Wait for the running command to end, or stop it with Ctrl+C.',
  server_full: 'A mesh ends five minutes after its last page was closed. Reload this page then.',
  too_many: 'Close another lab tab first.',
  nothing_to_undo: 'Nothing was applied since the lab began.',
  nothing_of_yours: 'The view Time makes the push before a change of somebody else current again.',
  no_more_hints: 'All hints are open; the solution is one button away.',
};

export class ApiError extends MeshworkError {}

/** What the browser is told about a failure. Never a stack, never a path of this machine. */
export function toErrorView(thrown: unknown): ErrorView {
  if (thrown instanceof MeshworkError) {
    const hint = hints[thrown.code];
    return { code: thrown.code, message: thrown.message, ...(hint ? { hint } : {}) };
  }
  return {
    code: 'internal',
    message: `The lab server failed: ${errorMessage(thrown)}`,
    hint: 'Reload the page. Your text is kept.',
  };
}
