/** Storms and avalanches take the whole machine: they are drilled one after the other, beside nothing else of their process. */
export const heavyIncidents: readonly string[] = ['inc-config-avalanche', 'inc-retry-peak'];
