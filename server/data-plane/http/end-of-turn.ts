import type { Clock } from '#domain';

/** Holds bytes that leave when everything is done that this turn of the event loop brought. */
export interface TurnWriter {
  turnEnded(): void;
}

/** Has work that no peer waits for. */
export interface LateWorker {
  workLate(): void;
}

let waiting: TurnWriter[] = [];
let late: LateWorker[] = [];
let later: LateWorker[] = [];
let scheduled = false;
let turnClock: Clock | undefined;
let turnMs = 0;

/** Calls `turnEnded` once, behind all I/O of this turn, in the order in which writers asked. */
export function atEndOfTurn(writer: TurnWriter): void {
  waiting.push(writer);
  schedule();
}

/**
 * Calls `workLate` once, when all that waits for the end of this turn has left: answers do not wait for their log, and the same work of many
 * requests is done in a row, which the caches of the processor like.
 */
export function afterTurn(worker: LateWorker): void {
  late.push(worker);
  schedule();
}

/**
 * Calls `workLate` one turn later than `afterTurn` does: what has just left for another proxy of this process has arrived by then, and goes
 * on first.
 */
export function afterNextTurn(worker: LateWorker): void {
  later.push(worker);
  schedule();
}

/** Monotonic time when it was asked for first in this turn: to read the clock costs as much as to parse a header. */
export function turnTime(clock: Clock): number {
  if (turnClock !== clock) {
    turnClock = clock;
    turnMs = clock.monotonic();
    schedule();
  }
  return turnMs;
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  turnClock = undefined;
  const writers = waiting;
  const workers = late;
  waiting = [];
  late = later;
  later = [];
  for (const writer of writers) writer.turnEnded();
  for (const worker of workers) worker.workLate();
  if (late.length > 0) schedule();
}
