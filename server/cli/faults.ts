/** One that comes again and again would fill a disk with its reports. */
const MOST_FAULTS = 100;

/** What is needed of Node's `process`. */
export interface FaultyProcess {
  on(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
  off(event: 'uncaughtException', listener: (error: unknown) => void): unknown;
}

/**
 * Until the returned function is called, an exception that nobody caught is told and the process goes on: in a cluster a program that fails takes
 * nobody with it, and here all of them share one process. After a hundred the next ends the process as it would have without this.
 */
export function outliveFaults(process: FaultyProcess, tell: (line: string) => void): () => void {
  let faults = 0;
  const outlive = (error: unknown): void => {
    faults += 1;
    if (faults > MOST_FAULTS) throw error;
    tell(`a fault of Meshwork's own, please report it; the mesh goes on. ${stackOf(error)}`);
  };
  process.on('uncaughtException', outlive);
  return () => void process.off('uncaughtException', outlive);
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
