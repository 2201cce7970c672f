import type { Random } from '#domain';
import { hashLabel } from '#domain';

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;

/** Five characters for the end of a generated name. */
export const nameSuffix = (random: Random): string =>
  Array.from({ length: SUFFIX_LENGTH }, () => ALPHABET[random.below(ALPHABET.length)]).join('');

/** The pod-template-hash of a template: equal templates, equal hash. */
export function templateHash(template: unknown): string {
  const text = JSON.stringify(template);
  let left = hashLabel(text) * 2 ** 16 + (hashLabel(`${text.length}/${text}`) & 0xffff);
  let hash = '';
  while (left > 0) {
    hash += ALPHABET[left % ALPHABET.length];
    left = Math.floor(left / ALPHABET.length);
  }
  return hash.slice(0, 10);
}
