import { UsageError } from '../command.ts';

/** A bound of the terminal was reached: the whole script ends. */
export class LimitReached extends UsageError {}

/** A word could not be made out, as in `${A:?}` or a division by zero: the whole script ends with this exit code. */
export class ExpansionFailed extends UsageError {}
