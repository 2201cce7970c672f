import type { FieldProblem } from '#domain';
import { type Arguments, catalogued } from '../diagnostics/diagnostic.ts';
import type { Field } from './field.ts';

/** Collects what rules find. Codes are IST0106 for what Istio's webhook rejects and IST0133 for what it warns of. */
export class Findings {
  readonly problems: FieldProblem[] = [];

  /** Istio rejects the object with this message. */
  reject(field: Field, message: string, hint?: string): void {
    this.problems.push(catalogued('IST0106', field.path, { message }, hint));
  }

  /** Rejects when there is a message. */
  check(field: Field, message: string | undefined, hint?: string): void {
    if (message !== undefined) this.reject(field, message, hint);
  }

  /** Istio accepts the object and warns with this message. */
  warn(field: Field, message: string, hint?: string): void {
    this.problems.push(catalogued('IST0133', field.path, { message }, hint));
  }

  /** Runs a check whose warnings Istio does not pass on. */
  withoutWarnings(check: () => void): void {
    const from = this.problems.length;
    check();
    const added = this.problems.splice(from);
    this.problems.push(...added.filter(({ severity }) => severity === 'error'));
  }

  /** Puts these words before every refusal so far. */
  prefixRefusals(words: string): void {
    for (const [index, problem] of this.problems.entries()) {
      if (problem.severity === 'error') this.problems[index] = { ...problem, message: `${words} ${problem.message}` };
    }
  }

  /** Whether anything was refused so far. */
  get refused(): boolean {
    return this.problems.some(({ severity }) => severity === 'error');
  }

  /** A finding with a code of its own. */
  add(code: string, field: Field, values: Arguments, hint?: string): void {
    this.problems.push(catalogued(code, field.path, values, hint));
  }
}
