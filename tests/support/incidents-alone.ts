/** Storms and avalanches take the whole machine: these are drilled one after the other, beside nothing else of their process. */
export const storms: readonly string[] = ['inc-config-avalanche', 'inc-retry-peak'];

/** Certificates that live for seconds end, and answers are late, while a machine that is shared does other things: drilled one after the other, too. */
export const timed: readonly string[] = ['inc-no-signer', 'inc-one-slow-pod', 'inc-slow-reviews'];
