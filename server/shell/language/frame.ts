import type { Command, ShellWorld } from '../command.ts';
import type { Streams } from './redirects.ts';
import type { Variables } from './variables.ts';

/** What a part of a script runs in. */
export interface Frame extends Streams {
  readonly signal: AbortSignal;
  readonly depth: number;
  /** Loops around this part. */
  readonly loops: number;
  /** Commands that the script has run so far. */
  readonly spent: { commands: number };
}

/** What a program runs in. */
export interface Inside {
  readonly frame: Frame;
  readonly variables: Variables;
}

export interface RunnerOptions<World extends ShellWorld> {
  readonly commands: ReadonlyMap<string, Command<World>>;
  readonly world: World;
  readonly variables: Variables;
  /** What is said of a command that does not exist. */
  readonly notFound: (name: string) => string;
}
