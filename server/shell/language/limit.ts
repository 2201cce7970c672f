import { UsageError } from '../command.ts';

/** A bound of the terminal was reached: the whole script ends. */
export class LimitReached extends UsageError {}
