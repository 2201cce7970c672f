/** Holds bytes that leave when everything is done that this turn of the event loop brought. */
export interface TurnWriter {
  turnEnded(): void;
}

let waiting: TurnWriter[] = [];

/** Calls `turnEnded` once, behind all I/O of this turn, in the order in which writers asked. */
export function atEndOfTurn(writer: TurnWriter): void {
  if (waiting.push(writer) === 1) setImmediate(endTurn);
}

function endTurn(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.turnEnded();
}
