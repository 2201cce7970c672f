import { MeshworkError } from '#domain';

/**
 * Where everything of a sandbox lives in 127.<subnet>.0.0/16: third byte 0 the node, 1–63 pods, 64–127 the hidden addresses of captured
 * applications (a pod's address with 64 added), 128–255 Services.
 */
export interface AddressPlan {
  readonly node: string;
  podIp(index: number): string;
  /** Where the application of the captured pod with this address really listens: its loopback, so to speak. */
  hiddenIp(podIp: string): string;
  serviceIp(index: number): string;
  isServiceIp(ip: string): boolean;
  /** Nothing else may ever be dialled. */
  contains(ip: string): boolean;
}

const HOSTS_PER_BLOCK = 254;
const FIRST_POD_BLOCK = 1;
const HIDDEN_OFFSET = 64;
const FIRST_SERVICE_BLOCK = 128;
const PODS = (HIDDEN_OFFSET - FIRST_POD_BLOCK) * HOSTS_PER_BLOCK;
const SERVICES = (256 - FIRST_SERVICE_BLOCK) * HOSTS_PER_BLOCK;

export function addressPlan(subnet: number): AddressPlan {
  const prefix = `127.${subnet}.`;
  const address = (block: number, index: number): string =>
    `${prefix}${block + Math.floor(index / HOSTS_PER_BLOCK)}.${1 + (index % HOSTS_PER_BLOCK)}`;
  const thirdByte = (ip: string): number => Number(ip.split('.')[2]);
  return {
    node: `${prefix}0.1`,
    podIp: (index) => address(FIRST_POD_BLOCK, index),
    hiddenIp: (podIp) => `${prefix}${thirdByte(podIp) + HIDDEN_OFFSET}.${podIp.split('.')[3]}`,
    serviceIp: (index) => address(FIRST_SERVICE_BLOCK, index),
    isServiceIp: (ip) => ip.startsWith(prefix) && thirdByte(ip) >= FIRST_SERVICE_BLOCK,
    contains: (ip) => ip.startsWith(prefix),
  };
}

/** Hands out addresses in order, as a cluster does: a freed one comes back only after the others were used. */
export interface AddressPool {
  next(): string;
  /** False when it is taken, or none of this pool. */
  take(ip: string): boolean;
  release(ip: string): void;
}

export const podPool = (plan: AddressPlan): AddressPool =>
  createPool(plan.podIp, PODS, (ip) => plan.contains(ip) && !plan.isServiceIp(ip));

export const servicePool = (plan: AddressPlan): AddressPool => createPool(plan.serviceIp, SERVICES, plan.isServiceIp);

function createPool(addressOf: (index: number) => string, size: number, holds: (ip: string) => boolean): AddressPool {
  const taken = new Set<string>();
  let cursor = 0;
  return {
    next: () => {
      for (let tried = 0; tried < size; tried++) {
        const ip = addressOf(cursor);
        cursor = (cursor + 1) % size;
        if (!taken.has(ip)) {
          taken.add(ip);
          return ip;
        }
      }
      throw new MeshworkError('MW9301', 'the sandbox has no free address left');
    },
    take: (ip) => {
      if (taken.has(ip) || !holds(ip)) return false;
      taken.add(ip);
      return true;
    },
    release: (ip) => taken.delete(ip),
  };
}
