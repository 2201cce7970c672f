export { type DebounceTimes, labDebounce } from './debounce.ts';
export { createPushQueue, type PushQueue, type PushQueueOptions } from './push-queue.ts';
