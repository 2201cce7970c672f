import type { ErrorView } from '#contract';

/** The lab server's own words for a refusal, or ours when it could not be asked. */
export class LabError extends Error {
  readonly code: string;
  readonly hint: string | undefined;

  constructor(view: ErrorView, options?: ErrorOptions) {
    super(view.message, options);
    this.name = 'LabError';
    this.code = view.code;
    this.hint = view.hint;
  }
}

/** What a toast or a panel says about anything thrown. */
export function sayError(error: unknown): string {
  if (error instanceof LabError) return error.hint ? `${error.message} ${error.hint}` : error.message;
  return error instanceof Error ? error.message : String(error);
}
