import { MeshworkError } from '#domain';

/** The line cannot be read. `incomplete`: more input may repair it (an open quote, a here-document without its end). */
export class ShellSyntaxError extends MeshworkError {
  readonly incomplete: boolean;
  constructor(message: string, incomplete = false) {
    super('shell_syntax', message);
    this.incomplete = incomplete;
  }
}
