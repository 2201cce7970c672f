/** Memory for JavaScript objects of one sandbox. */
export const HEAP_LIMIT_MB = 512;

/** Flags of V8 in a sandbox process. Compiled code is taken only by a process with the flags of the one that compiled it. */
export const v8Flags = (heapLimitMb: number): readonly string[] => [
  `--max-old-space-size=${heapLimitMb}`,
  // The sandbox asks for it too (`keepRequestsYoung`); a flag that changes later would make compiled code unfit.
  '--no-allocation-site-pretenuring',
  // Each read of a TLS socket comes in a buffer of 64 KB outside of the heap. By default 64 MB of those, a thousand reads, begin a full
  // collection, which holds requests up for tens of milliseconds, although a young one would free them all. Counted with the heap they
  // do not. Only a flag at the start does it.
  '--external-memory-accounted-in-global-limit',
  // Young objects have 4 MB in place of 16 that double while they are collected: a sandbox of twenty sidecars takes 50 MB less. Requests
  // die young, so that more collections cost no more than the caches gain (2 MB cost a fifth); V8's helpers in them would cost more than
  // they do. Space that a quiet mesh gives up would be grown again under load, while requests wait: one in twenty is served more.
  '--min-semi-space-size=4',
  '--max-semi-space-size=4',
  '--no-parallel-scavenge',
];
