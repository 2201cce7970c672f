import { setFlagsFromString } from 'node:v8';

/**
 * Lets requests die young. V8 places objects that often survived at first at once among the old ones; those of a request that is long over
 * then keep everything that it referred to alive until the next full collection, which costs a busy proxy a fifth of its time.
 */
export function keepRequestsYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
