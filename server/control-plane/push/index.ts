export { type DebounceTimes, labDebounce, ruleDebounce } from './debounce.ts';
export { createPushQueue, type PushQueue, type PushQueueOptions } from './push-queue.ts';
