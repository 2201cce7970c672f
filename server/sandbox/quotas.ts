/** Bounds of one sandbox; far above what a lab needs, far below what would hurt its neighbours. */
export const quotas = {
  pods: 60,
  objects: 2000,
  manifestBytes: 512 * 1024,
  logLinesPerContainer: 2000,
  logLineLength: 4096,
  logBytesPerContainer: 512 * 1024,
  events: 300,
  /** Enough for the largest batch of a check with every hop of its requests. */
  hops: 20_000,
  /** Several minutes of a lab's traffic with every decision. */
  detailedHops: 5000,
} as const;
