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
let scheduled = false;

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

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  const writers = waiting;
  const workers = late;
  waiting = [];
  late = [];
  for (const writer of writers) writer.turnEnded();
  for (const worker of workers) worker.workLate();
}
