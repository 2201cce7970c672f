/**
 * Our own fault, as opposed to a learner's mistake (`Diagnostic`) or a proxy's answer (`ProxyOutcome`).
 * Always carries a permanent code and, where there is one, its cause.
 */
export class MeshworkError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** The text of anything that was thrown. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
