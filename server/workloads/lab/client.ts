import type { WorkloadImage } from '../doors.ts';

/** A pod that listens nowhere and only waits to be used: `kubectl exec … curl`, or a lab's traffic. */
export const clientImages: readonly WorkloadImage[] = ['client', 'sleep', 'curl'].map((name) => ({
  name,
  start: async (context) => context.log('waiting'),
}));
