let last = 0;

/** The number of a new connection, to a host or from a client: as in Envoy, no other of this process has it. */
export const nextConnectionId = (): number => ++last;
