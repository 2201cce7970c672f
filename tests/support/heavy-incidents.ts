/**
 * Storms and avalanches take the whole machine, and certificates that live for seconds end while a machine that is shared does other things: these
 * are drilled one after the other, beside nothing else of their process.
 */
export const heavyIncidents: readonly string[] = ['inc-config-avalanche', 'inc-no-signer', 'inc-retry-peak'];
